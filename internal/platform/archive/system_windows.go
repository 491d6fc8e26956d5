package archive

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

// isFull reports whether a file could not be written because the disk is full.
func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// isBadName reports whether the file system does not take a name: it is too long, not allowed, or another spelling of one that
// exists.
func isBadName(err error) bool {
	return errors.Is(err, windows.ERROR_INVALID_NAME) || errors.Is(err, windows.ERROR_FILENAME_EXCED_RANGE) || errors.Is(err, fs.ErrExist)
}

// syncFolder makes the names in a folder durable, which Windows does by itself.
func syncFolder(string) error { return nil }
