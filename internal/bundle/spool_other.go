//go:build !unix

package bundle

import "os"

// tempFile makes a file with a name: an open file cannot lose it here.
func tempFile(dir string) (f *os.File, remove string, err error) {
	if f, err = namedTemp(dir); err != nil {
		return nil, "", err
	}
	return f, f.Name(), nil
}
