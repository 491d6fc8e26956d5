//go:build unix

package unzip

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// link links from one folder to another where both are on one file system. It goes by open folders, so that no link
// that someone makes meanwhile leads it elsewhere.
func link(staging, root *os.Root, from, to string) error {
	fromDir, err := staging.Open(filepath.Dir(from))
	if err != nil {
		return err
	}
	defer func() { _ = fromDir.Close() }()
	toDir, err := root.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = toDir.Close() }()
	return unix.Linkat(int(fromDir.Fd()), filepath.Base(from), int(toDir.Fd()), filepath.Base(to), 0)
}
