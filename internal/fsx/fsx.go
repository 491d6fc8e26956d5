// Package fsx replaces files so that a reader, or the user after a crash, finds the old content or the new
// one and never a part of either. It knows nothing about what the files hold.
package fsx

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Modes of the files we make. An existing file keeps its own mode unless File.Tighten is set.
const (
	Private fs.FileMode = 0o600 // credentials
	Public  fs.FileMode = 0o644
)

// A temporary name that is visible for the moment between its making and the rename. The archive rules
// leave it out, and a later Replace in the same folder removes one that a killed process left.
const (
	tempPrefix = ".ploomber-cloud-"
	tempSuffix = ".tmp"
	staleAfter = time.Hour
)

// File is one file to be replaced or made.
type File struct {
	Path    string
	Data    []byte
	Mode    fs.FileMode // of a file that is not there yet
	Tighten bool        // also take away from an existing file every permission that Mode does not have
}

// staged is new content that is on disk, complete, under no name or a temporary one.
type staged interface {
	commit(target string) error // give it its name; the old content is replaced in one step
	discard()                   // forget it; harmless after commit
}

// Replace writes all files. Every one is complete on disk before the first gets its name, so an error while
// writing (full disk, read-only folder) changes nothing. A symbolic link is followed: its target is replaced,
// the link stays. Errors name the path and wrap the cause.
func Replace(files ...File) (err error) {
	targets := make([]string, len(files))
	ready := make([]staged, 0, len(files))
	defer func() {
		for _, s := range ready {
			s.discard()
		}
	}()
	for i, f := range files {
		target, mode, err := inspect(f)
		if err != nil {
			return err
		}
		s, err := stage(filepath.Dir(target), f.Data, mode)
		if err != nil {
			return fmt.Errorf("cannot write %s: %w", f.Path, bare(err))
		}
		targets[i], ready = target, append(ready, s)
	}
	for i, s := range ready {
		if err := s.commit(targets[i]); err != nil {
			return fmt.Errorf("cannot replace %s: %w", files[i].Path, bare(err))
		}
	}
	return nil
}

// Check returns the error that Replace would meet at path before it writes anything.
func Check(path string) error {
	target, mode, err := inspect(File{Path: path, Mode: Public})
	if err != nil {
		return err
	}
	s, err := stage(filepath.Dir(target), nil, mode)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, bare(err))
	}
	s.discard()
	return nil
}

// inspect finds the file that f.Path really names and the mode its new content gets. A file that its owner
// made read-only is refused, although a rename would get past that.
func inspect(f File) (target string, mode fs.FileMode, err error) {
	target, err = filepath.EvalSymlinks(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if to, linkErr := os.Readlink(f.Path); linkErr == nil {
			return "", 0, fmt.Errorf("cannot write %s: it is a link to %s, which does not exist", f.Path, to)
		}
		return f.Path, f.Mode, nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("cannot write %s: %w", f.Path, bare(err))
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", 0, fmt.Errorf("cannot write %s: %w", f.Path, bare(err))
	}
	if !info.Mode().IsRegular() {
		return "", 0, fmt.Errorf("cannot write %s: it is not a regular file", f.Path)
	}
	probe, err := os.OpenFile(target, os.O_WRONLY, 0)
	if err != nil {
		return "", 0, fmt.Errorf("cannot write %s: %w", f.Path, bare(err))
	}
	mode = info.Mode().Perm()
	if f.Tighten {
		mode &= f.Mode
	}
	return target, mode, probe.Close()
}

// named is content under a temporary name beside the target: what every system can do.
type named struct{ path string }

func (n named) commit(target string) error {
	if err := os.Rename(n.path, target); err != nil {
		return err
	}
	syncDir(filepath.Dir(target))
	return nil
}

func (n named) discard() { _ = os.Remove(n.path) } // gone already after commit

func stageNamed(dir string, data []byte, mode fs.FileMode) (staged, error) {
	removeStale(dir)
	path := filepath.Join(dir, tempName())
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	err = fill(f, data, mode)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		_ = os.Remove(path) // the write error is the one to report
		return nil, err
	}
	return named{path}, nil
}

func fill(f *os.File, data []byte, mode fs.FileMode) error {
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Chmod(mode); err != nil { // the umask may have cut it
		return err
	}
	return f.Sync()
}

func tempName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return tempPrefix + hex.EncodeToString(b[:]) + tempSuffix
}

// removeStale clears temporary files of processes that were killed long ago. Failing to is no harm.
func removeStale(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*"+tempSuffix))
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(path)
		}
	}
}

// IsTemporary tells whether a file name is one that Replace uses for a moment.
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

// bare drops the operation and (temporary) path that the os package wraps around a cause.
func bare(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	default:
		return err
	}
}
