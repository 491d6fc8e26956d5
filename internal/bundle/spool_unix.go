//go:build unix

package bundle

import "os"

func unlinkedTemp(dir string) (f *os.File, remove string, err error) {
	if f, err = namedTemp(dir); err != nil {
		return nil, "", err
	}
	remove = f.Name()
	if os.Remove(remove) == nil { // else Close tries again
		remove = ""
	}
	return f, remove, nil
}
