// Package fsx replaces files so that a reader, or the user after a crash, finds the old content or the new one and
// never a mixture, and so that the file's metadata is kept: its owner, mode and access list. If the system does
// not allow a replacement, as for a file that is a mount point, the content is written in place. The package knows
// nothing about the content except that it is text, in which line breaks at the end have no meaning.
package fsx

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Modes of new files. An existing file keeps its own mode unless File.Tighten is set.
const (
	Private fs.FileMode = 0o600 // credentials
	Public  fs.FileMode = 0o644
)

// File is one file to be replaced or created.
type File struct {
	Path    string
	Data    []byte
	Mode    fs.FileMode // for a new file
	Tighten bool        // also remove permissions of an existing file that Mode does not have

	// Read is the content that Data was made from, nil if there was no file. If the file has other content by the time it
	// is replaced, Merge gets that content (nil if there is no file) and returns what to write in place of Data. Its error
	// ends Replace before anything is written. If Merge is nil, Data replaces any content.
	Read  []byte
	Merge func(now []byte) ([]byte, error)
}

// Replace writes all files or, where one of them cannot be written, none: every one is complete on disk before
// the first gets its name, and those that have theirs get their old content back when a later one fails. A
// symbolic link is followed: its target is replaced, the link stays. Errors name the path and wrap the cause.
//
// A file keeps its owner, group, mode, extended attributes and access lists. It is written in place where it
// would lose one of them otherwise, and where no other file can take its place: it is a mount point, has other
// names (hard links), or is in a folder that takes no new files.
//
// A file with Merge is compared with File.Read after the new content is on disk, so that what other programs have written by
// then is kept. What they write between that comparison and the rename, usually less than a millisecond, is lost: no system
// call replaces a file only if its content is still the same.
func Replace(files ...File) error {
	changes := make([]*change, 0, len(files))
	defer func() {
		for _, c := range changes {
			c.discard()
		}
	}()
	for _, f := range files {
		c, err := prepare(f)
		if err != nil {
			return err
		}
		changes = append(changes, c)
	}
	if err := catchUp(changes); err != nil {
		return err
	}
	for i, c := range changes {
		if err := c.apply(); err != nil {
			err = fmt.Errorf("cannot replace %s: %w", c.file.Path, Cause(err))
			return undo(changes[:i], err)
		}
	}
	return nil
}

// Check returns the error that Replace would return for one of the paths, as far as it can be predicted. It tries
// with a few kilobytes for each file, and changes nothing.
func Check(paths ...string) error {
	var ready []staged // all at once, as they need their space together
	defer func() {
		for _, s := range ready {
			s.discard()
		}
	}()
	few := bytes.Repeat([]byte("\n"), 4<<10)
	for _, path := range paths {
		c, err := prepare(File{Path: path, Data: few, Mode: Public})
		switch {
		case err != nil:
			return err
		case c.staged != nil:
			ready = append(ready, c.staged)
		case isFull(c.target.path, len(few)):
			return fmt.Errorf("cannot write %s: %w", path, syscall.ENOSPC)
		}
	}
	return nil
}

// target is the file that a File refers to, before the change.
type target struct {
	path string
	info fs.FileInfo // nil: it does not exist yet
	mode fs.FileMode // that the new content gets
}

// modeBits are the mode bits that can be set.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// inspect finds the file that f.Path refers to. A file that its owner made read-only is refused, although a rename
// would succeed.
func inspect(f File) (target, error) {
	wrong := func(err error) (target, error) {
		return target{}, fmt.Errorf("cannot write %s: %w", f.Path, Cause(err))
	}
	path, err := filepath.EvalSymlinks(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		if to, linkErr := os.Readlink(f.Path); linkErr == nil {
			return target{}, fmt.Errorf("cannot write %s: it is a link to %s, which does not exist", f.Path, to)
		}
		return target{path: f.Path, mode: f.Mode}, nil
	}
	if err != nil {
		return wrong(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return wrong(err)
	}
	if !info.Mode().IsRegular() {
		return target{}, fmt.Errorf("cannot write %s: it is not a regular file", f.Path)
	}
	probe, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return wrong(err)
	}
	mode := info.Mode() & modeBits
	if f.Tighten {
		mode &= f.Mode
	}
	return target{path, info, mode}, probe.Close()
}

// Cause is what the os package wraps its operation and a (temporary) path around.
func Cause(err error) error {
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
