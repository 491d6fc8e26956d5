package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // named sqlite3
)

// applicationID is in the header of our files and identifies them.
const applicationID = 0x706c7368

// The header of every SQLite file (https://www.sqlite.org/fileformat.html, 1.3).
const (
	magic               = "SQLite format 3\x00"
	headerSize          = 100
	applicationIDOffset = 68
)

// prepare checks that path may be opened: a new file, which it creates for the owner only, or an existing session store,
// which it does not write to.
func prepare(path string) error {
	if folder, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the directory of the session store %s: %w", path, err)
	} else if !folder.IsDir() {
		return fmt.Errorf("the directory of the session store %s: %s is not a directory", path, filepath.Dir(path))
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := inspect(path, checkHeader); err != nil {
		return err
	}
	return inspectCompanions(path)
}

// inspectCompanions looks at the files that SQLite puts beside the one at path. The driver makes them with the user's usual
// mode, so they are tightened once it has the file open: as long as it has, they stay.
func inspectCompanions(path string) error {
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := inspect(path+suffix, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// inspect checks an existing file and tightens its mode. Symbolic links are refused, since they could redirect our writes
// to any file.
func inspect(path string, check func(io.Reader) error) error {
	before, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !before.Mode().IsRegular() {
		return fmt.Errorf("%s %w: it is not a regular file", path, ErrForeign)
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(before, info) {
		return fmt.Errorf("%s %w: it was replaced while being opened", path, ErrForeign)
	}
	if check != nil {
		if err := check(f); err != nil {
			return fmt.Errorf("%s %w", path, err)
		}
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return f.Chmod(0o600)
	}
	return nil
}

// checkHeader accepts an empty file and a session store.
func checkHeader(r io.Reader) error {
	header := make([]byte, headerSize)
	switch n, err := io.ReadFull(r, header); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case n < headerSize || !bytes.HasPrefix(header, []byte(magic)):
		return ErrForeign
	case binary.BigEndian.Uint32(header[applicationIDOffset:]) != applicationID:
		return fmt.Errorf("%w: it belongs to another program", ErrForeign)
	}
	return nil
}

// busyTimeout is how long a connection waits for another process to finish writing.
const busyTimeout = 5 * time.Second

// openDB opens an existing file.
func openDB(path, more string) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		slashed = "/" + slashed // file:/C:/folder
	}
	return sql.Open("sqlite3", fmt.Sprintf("file:%s?mode=rw&_pragma=busy_timeout(%d)&_pragma=trusted_schema(0)&%s",
		(&url.URL{Path: slashed}).EscapedPath(), busyTimeout.Milliseconds(), more))
}
