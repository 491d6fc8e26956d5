package fsx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// OpenUnnamed makes a file without a name in a folder (open(2), O_TMPFILE), of which a process that is killed leaves nothing.
// The folder is relative to the open one at, or to the current one where at is unix.AT_FDCWD. The error is
// errors.ErrUnsupported on a file system without such files, and without /proc, as in a bare chroot, by which a file gets its
// name.
func OpenUnnamed(at int, folder string, mode fs.FileMode) (*os.File, error) {
	fd, err := unix.Openat(at, folder, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(mode.Perm()))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return nil, errors.ErrUnsupported
	case err != nil:
		return nil, &fs.PathError{Op: "open", Path: folder, Err: err}
	}
	f := os.NewFile(uintptr(fd), folder)
	if _, err := os.Lstat(self(f)); err != nil {
		_ = f.Close()
		return nil, errors.ErrUnsupported
	}
	return f, nil
}

// LinkUnnamed gives a file of OpenUnnamed a name that is free. The path is relative as the folder of OpenUnnamed is.
func LinkUnnamed(f *os.File, at int, path string) error {
	err := unix.Linkat(unix.AT_FDCWD, self(f), at, path, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &os.LinkError{Op: "link", Old: self(f), New: path, Err: err}
	}
	return nil
}

func self(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
