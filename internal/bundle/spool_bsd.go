//go:build unix && !linux

package bundle

import "os"

func tempFile(dir string) (f *os.File, remove string, err error) { return unlinkedTemp(dir) }
