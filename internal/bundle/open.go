package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

var errReplaced = errors.New("another file took its place")

// open opens a planned file for packing: an excluded secret must not have replaced it. The errors are those of
// openPlanned.
func (l *Listing) open(root *os.Root, e *Entry) (*os.File, fs.FileInfo, error) {
	f, info, err := l.openPlanned(root, e)
	if err == nil && e.Rule.Kind != Allowed && l.holdsSecret(info) {
		_ = f.Close()
		return nil, nil, readingError(e, errReplaced)
	}
	return f, info, err
}

// openPlanned opens a planned file and verifies that it is the planned one, or a regular replacement that is not
// reached through a new link. The error wraps errReplaced for any other; isGone detects a removed one.
func (l *Listing) openPlanned(root *os.Root, e *Entry) (*os.File, fs.FileInfo, error) {
	f, err := openEntry(root, e)
	if err != nil {
		return nil, nil, l.openingError(root, e, err)
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errReplaced
	case !os.SameFile(info, e.info):
		err = l.inPlace(e, info)
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, readingError(e, err)
	}
	return f, info, nil
}

// openingError distinguishes a file that was replaced from one that cannot be read: os.Root has no type for the
// error about a link that leads out.
func (l *Listing) openingError(root *os.Root, e *Entry, err error) error {
	if !e.outside && !isGone(err) {
		if now, statErr := root.Lstat(filepath.FromSlash(e.file)); statErr != nil || !now.Mode().IsRegular() {
			err = errReplaced
		}
	}
	return readingError(e, err)
}

// isGone reports whether an error means that the file, or a folder on its path, does not exist.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func readingError(e *Entry, err error) error {
	return fmt.Errorf("cannot read %q: %w", e.Name, cause(err))
}

func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// inPlace checks a file that is not the planned one: an editor that saves by renaming puts a new file under the
// old name, which is fine; a link that appeared under that name or in its folders is not followed.
func (l *Listing) inPlace(e *Entry, info fs.FileInfo) error {
	file := e.file
	if !e.outside {
		file = filepath.Join(l.dir, filepath.FromSlash(e.file))
	}
	now, err := os.Lstat(file)
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	if real != file {
		return errReplaced
	}
	if !os.SameFile(now, info) { // replaced again since it was opened
		return errChanged
	}
	return nil
}
