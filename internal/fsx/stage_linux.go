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

// commit gives a new file its name in one step. To replace a file it needs another name for the moment before
// the rename, as link(2) replaces nothing. It takes one in the system's temporary folder, and nearer to the
// target only where that is on another file system: above the target's folder, so that nothing is left in the
// user's folder, and in it as the last resort.
func (u *unnamed) commit(target string) error {
	err := u.link(target)
	if err == nil {
		syncDir(filepath.Dir(target))
		u.discard()
		return nil
	}
	for _, dir := range []string{os.TempDir(), filepath.Join(filepath.Dir(target), ".."), filepath.Dir(target)} {
		temp := filepath.Join(dir, tempName())
		if err = u.link(temp); err != nil {
			continue
		}
		removeStale(dir)
		n := named{temp}
		if err := n.commit(target); err != nil {
			n.discard()
			return err
		}
		u.discard()
		return nil
	}
	return err
}

func (u *unnamed) link(path string) error {
	self := fmt.Sprintf("/proc/self/fd/%d", u.f.Fd())
	return unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

func (u *unnamed) discard() { _ = u.f.Close() } // a second close is harmless
