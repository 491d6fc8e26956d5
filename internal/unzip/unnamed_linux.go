package unzip

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// copyUnnamed copies to a file without a name (open(2), O_TMPFILE) and names it when it is whole. Nothing of in is
// read where the error is errors.ErrUnsupported.
func copyUnnamed(in io.Reader, mode fs.FileMode, root *os.Root, to string) error {
	dir, err := root.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	fd, err := unix.Openat(int(dir.Fd()), ".", unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(mode.Perm()))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return errors.ErrUnsupported // by the file system
	case err != nil:
		return &fs.PathError{Op: "open", Path: dir.Name(), Err: err}
	}
	out := os.NewFile(uintptr(fd), to)
	defer func() { _ = out.Close() }() // its name, if it has one by then, keeps it
	self := fmt.Sprintf("/proc/self/fd/%d", out.Fd())
	if _, err := os.Lstat(self); err != nil {
		return errors.ErrUnsupported // by a system without /proc, as in a bare chroot
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	if err := unix.Linkat(unix.AT_FDCWD, self, int(dir.Fd()), filepath.Base(to), unix.AT_SYMLINK_FOLLOW); err != nil {
		return &os.LinkError{Op: "link", Old: self, New: filepath.Join(root.Name(), to), Err: err}
	}
	return nil
}
