package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

var errReplaced = errors.New("another file was put in its place")

// open opens a planned file and makes sure that it may be packed: the planned one itself, or one that was put in
// its place in the open, by no link and with no secret that was left out.
func (l *Listing) open(root *os.Root, e *Entry) (*os.File, fs.FileInfo, error) {
	f, err := openEntry(root, e)
	if err != nil {
		return nil, nil, &ChangedError{Name: e.Name, Err: cause(err)}
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = errReplaced
	case !os.SameFile(info, e.info):
		err = l.inPlace(e, info)
	}
	if err == nil && e.Rule.Kind != Allowed && l.holdsSecret(info) {
		err = errReplaced
	}
	if err != nil {
		_ = f.Close()
		return nil, nil, &ChangedError{Name: e.Name, Err: cause(err)}
	}
	return f, info, nil
}

func cause(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}

// inPlace checks a file that is not the planned one: an editor that saves by renaming puts a new file under the
// old name, which is as good; a link that appeared under that name or in its folders is not followed.
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
	if real != file || !os.SameFile(now, info) {
		return errReplaced
	}
	return nil
}
