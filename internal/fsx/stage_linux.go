package fsx

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// unnamed is content in a file without a name: a process that is killed before commit
// leaves nothing at all in the user's folder.
type unnamed struct {
	f      *os.File
	target target // with data for a system that cannot name f
	data   []byte
}

func stage(t target, data []byte) (staged, error) {
	dir := filepath.Dir(t.path)
	f, err := OpenUnnamed(unix.AT_FDCWD, dir, Private)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return stageNamed(t, data)
	case err != nil:
		return nil, err
	}
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
		temp := filepath.Join(dir, TempName())
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

func (u *unnamed) link(path string) error { return LinkUnnamed(u.f, unix.AT_FDCWD, path) }

func (u *unnamed) discard() { _ = u.f.Close() } // a second close is harmless
