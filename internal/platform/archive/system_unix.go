//go:build unix

package archive

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// isFull reports whether a file could not be written because the disk, or this user's part of it, is full.
func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// isBadName reports whether the file system does not take a name: it is too long, not allowed, or another spelling of one that
// exists.
func isBadName(err error) bool {
	return errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EILSEQ) || errors.Is(err, syscall.EINVAL) ||
		errors.Is(err, fs.ErrExist)
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
