//go:build darwin || freebsd || netbsd

package fsx

import (
	"errors"

	"golang.org/x/sys/unix"
)

// isForeign tells of an extended attribute that must not be copied: macOS sets this one by itself and lets nobody
// change it.
func isForeign(name string) bool { return name == "com.apple.provenance" }

// noAttribute tells that a file's file system has no extended attributes.
func noAttribute(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS)
}
