package fsx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unnamed is content in a file without a name (open(2), O_TMPFILE): a process that is killed before commit
// leaves nothing at all in the user's folder.
type unnamed struct {
	f    *os.File
	data []byte // for a system that cannot name f
	mode fs.FileMode
}

func stage(dir string, data []byte, mode fs.FileMode) (staged, error) {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(mode.Perm()))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return stageNamed(dir, data, mode) // the file system has no unnamed files
	case err != nil:
		return nil, err
	}
	f := os.NewFile(uintptr(fd), dir)
	if err := fill(f, data, mode); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &unnamed{f, data, mode}, nil
}

// commit needs a name for the moment before the rename, as link(2) replaces nothing. It takes one in the
// system's temporary folder, out of the user's sight, and one beside the target only where that folder is
// on another file system.
func (u *unnamed) commit(target string) error {
	self := fmt.Sprintf("/proc/self/fd/%d", u.f.Fd())
	var temp string
	var err error
	for _, dir := range []string{os.TempDir(), filepath.Dir(target)} {
		temp = filepath.Join(dir, tempName())
		err = unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, temp, unix.AT_SYMLINK_FOLLOW)
		if err == nil {
			break
		}
	}
	var n staged = named{temp}
	if err != nil { // no /proc, or a system that refuses such links
		if n, err = stageNamed(filepath.Dir(target), u.data, u.mode); err != nil {
			return err
		}
	}
	if err := n.commit(target); err != nil {
		n.discard()
		return err
	}
	u.discard()
	return nil
}

func (u *unnamed) discard() { _ = u.f.Close() } // a second close is harmless
