package fsx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unnamed is content in a file without a name (open(2), O_TMPFILE): a process that is killed before commit
// leaves nothing at all in the user's folder.
type unnamed struct {
	f      *os.File
	target target // with data for a system that cannot name f
	data   []byte
}

func stage(t target, data []byte) (staged, error) {
	dir := filepath.Dir(t.path)
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, uint32(Private))
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		return stageNamed(t, data) // the file system has no unnamed files
	case err != nil:
		return nil, err
	}
	f := os.NewFile(uintptr(fd), dir)
	if err := fill(f, t, data); err != nil {
		_ = f.Close()
		return nil, err
	}
	return &unnamed{f, t, data}, nil
}

// commit gives a new file its name in one step. To replace a file it needs another name for the moment before
// the rename, as link(2) replaces nothing. It takes one in the system's temporary folder, and nearer to the
// target only where that is on another file system: above the target's folder, so that nothing is left in the
// user's folder, and in it as the last resort.
func (u *unnamed) commit(path string) error {
	if err := u.link(path); err == nil {
		syncDir(filepath.Dir(path))
		u.discard()
		return nil
	}
	for _, dir := range []string{os.TempDir(), filepath.Join(filepath.Dir(path), ".."), filepath.Dir(path)} {
		temp := filepath.Join(dir, tempName())
		if err := u.link(temp); err != nil {
			continue
		}
		removeStale(dir)
		u.discard()
		return rename(named{temp}, path)
	}
	u.discard()
	s, err := stageNamed(u.target, u.data) // files cannot be linked here
	if err != nil {
		return err
	}
	return rename(s, path)
}

func rename(s staged, path string) error {
	err := s.commit(path)
	if err != nil {
		s.discard()
	}
	return err
}

func (u *unnamed) link(path string) error {
	self := fmt.Sprintf("/proc/self/fd/%d", u.f.Fd())
	return unix.Linkat(unix.AT_FDCWD, self, unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

func (u *unnamed) discard() { _ = u.f.Close() } // a second close is harmless
