package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// The header of every SQLite file (https://www.sqlite.org/fileformat.html, 1.3).
const (
	magic               = "SQLite format 3\x00"
	headerSize          = 100
	applicationIDOffset = 68
)

// prepare checks that path may be opened: a new file, which it creates for the owner only, or an existing one of this format,
// which it does not write to.
func (f Format) prepare(path string) error {
	if folder, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the directory of the %s %s: %w", f.Name, path, err)
	} else if !folder.IsDir() {
		return fmt.Errorf("the directory of the %s %s: %s is not a directory", f.Name, path, filepath.Dir(path))
	}
	created, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return created.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.inspect(path, f.checkHeader); err != nil {
		return err
	}
	return f.inspectCompanions(path)
}

// inspectCompanions looks at the files that SQLite puts beside the one at path. The driver makes them with the user's usual
// mode, so they are tightened once it has the file open: as long as it has, they stay.
func (f Format) inspectCompanions(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := f.inspect(path+suffix, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// inspect checks an existing file and tightens its mode. Symbolic links are refused, since they could redirect our writes
// to any file.
func (f Format) inspect(path string, check func(io.Reader) error) error {
	before, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !before.Mode().IsRegular() {
		return f.foreign(path, "it is not a regular file")
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(before, info) {
		return f.foreign(path, "it was replaced while being opened")
	}
	if check != nil {
		if err := check(file); err != nil {
			return fmt.Errorf("%s %w", path, err)
		}
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return file.Chmod(0o600)
	}
	return nil
}

func (f Format) foreign(path, why string) error {
	return fmt.Errorf("%s %w: %s", path, f.errForeign(), why)
}

// checkHeader accepts an empty file and one of this format.
func (f Format) checkHeader(r io.Reader) error {
	header := make([]byte, headerSize)
	switch n, err := io.ReadFull(r, header); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case n < headerSize || !bytes.HasPrefix(header, []byte(magic)):
		return f.errForeign()
	case binary.BigEndian.Uint32(header[applicationIDOffset:]) != f.Application:
		return fmt.Errorf("%w: it belongs to another program", f.errForeign())
	}
	return nil
}
