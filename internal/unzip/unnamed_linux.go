package unzip

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

// copyUnnamed copies to a file without a name, and names it when it is whole. Nothing of in is read where the error is
// errors.ErrUnsupported.
func copyUnnamed(in io.Reader, mode fs.FileMode, root *os.Root, to string) error {
	dir, err := root.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	out, err := fsx.OpenUnnamed(int(dir.Fd()), ".", mode)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }() // its name, if it has one by then, keeps it
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return fsx.LinkUnnamed(out, int(dir.Fd()), filepath.Base(to))
}
