package fsx

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// staged is new content on disk, complete, without a name or with a temporary one, and with the metadata of the
// file that it replaces.
type staged interface {
	commit(path string) error // give it its name; the old content is replaced in one step
	discard()                 // discard it; no effect after commit
}

// A temporary name that is visible for the moment between its making and the rename. The archive rules
// leave it out, and a later Replace in the same folder removes one that a killed process left.
const (
	tempPrefix = ".ploomber-cloud-"
	tempSuffix = ".tmp"
	staleAfter = time.Hour
)

// named is content under a temporary name next to the target, which every system supports.
type named struct{ path string }

func (n named) commit(path string) error {
	if err := os.Rename(n.path, path); err != nil {
		return err
	}
	syncDir(filepath.Dir(path))
	return nil
}

func (n named) discard() { _ = os.Remove(n.path) } // gone already after commit

func stageNamed(t target, data []byte) (staged, error) {
	dir := filepath.Dir(t.path)
	removeStale(dir)
	path := filepath.Join(dir, TempName())
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, Private)
	if err != nil {
		return nil, err
	}
	err = fill(f, t, data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path) // the write error is the one to report
		return nil, err
	}
	return named{path}, nil
}

// fill writes data to the new file f and copies the metadata of t.
func fill(f *os.File, t target, data []byte) error {
	if t.info != nil {
		if err := keepFlags(f, t.path); err != nil { // some can be set on an empty file only
			return err
		}
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if t.info != nil {
		if err := keepBelongings(f, t); err != nil {
			return err
		}
	}
	if err := f.Chmod(t.mode); err != nil { // last: a change of the owner takes bits away, the umask did so before
		return err
	}
	return f.Sync()
}

// TempName is a new name that IsTemporary knows.
func TempName() string { return tempPrefix + rand.Text() + tempSuffix }

// removeStale removes temporary files of processes that were killed long ago. Errors are ignored.
func removeStale(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*"+tempSuffix))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(path)
		}
	}
}

// IsTemporary reports whether a file name is one that Replace uses temporarily.
func IsTemporary(name string) bool {
	return strings.HasPrefix(name, tempPrefix) && strings.HasSuffix(name, tempSuffix)
}

// syncDir makes a rename survive a power cut where the system can; the rename itself is done.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}
