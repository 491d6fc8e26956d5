//go:build unix

package bundle

import "os"

func unlinkedTemp(dir string) (f *os.File, remove string, err error) {
	if f, err = namedTemp(dir); err != nil {
		return nil, "", err
	}
	if os.Remove(f.Name()) != nil {
		return f, f.Name(), nil // Close tries again
	}
	return f, "", nil
}
