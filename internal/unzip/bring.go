package unzip

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// bring gives the file from of one folder the name to in another, which must be free. A reader, also after a
// kill, finds the whole file there or none: it is linked, else copied to a file without a name that is linked then.
// On systems that can do neither it is copied to a hidden name first.
func bring(staging, root *os.Root, from, to string) error {
	err := link(staging, root, from, to)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	in, err := staging.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := copyUnnamed(in, info.Mode(), root, to); !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return copyNamed(in, info.Mode(), root, to)
}

// copyNamed is what every system can do.
func copyNamed(in io.Reader, mode fs.FileMode, root *os.Root, to string) error {
	temp := filepath.Join(filepath.Dir(to), fsx.TempName())
	out, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm())
	if err != nil {
		return err
	}
	defer func() { _ = root.Remove(temp) }() // gone already after a rename
	_, err = io.Copy(out, in)
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := root.Link(temp, to); err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return root.Rename(temp, to)
}
