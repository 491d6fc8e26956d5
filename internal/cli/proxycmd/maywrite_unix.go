//go:build unix

package proxycmd

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// mayWrite reports whether this process may create files in a folder, without creating one.
func mayWrite(folder string) error {
	if err := unix.Access(folder, unix.W_OK|unix.X_OK); err != nil {
		return &fs.PathError{Op: "write to", Path: folder, Err: err}
	}
	return nil
}
