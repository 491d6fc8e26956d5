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

	_ "modernc.org/sqlite" // the driver
)

// applicationID stands in the head of our files, so that no other program's is taken for one.
const applicationID = 0x706c7368

// The head of every SQLite file (https://www.sqlite.org/fileformat.html, 1.3).
const (
	magic               = "SQLite format 3\x00"
	headSize            = 100
	applicationIDOffset = 68
)

// prepare makes sure that path is ours to open: a new file, made for the user alone, or a file of sessions. It opens
// nothing else, and writes to nothing.
func prepare(path string) error {
	if folder, err := os.Stat(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the folder of the sessions' file %s: %w", path, err)
	} else if !folder.IsDir() {
		return fmt.Errorf("the folder of the sessions' file %s: %s is no folder", path, filepath.Dir(path))
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := inspect(path, checkHead); err != nil {
		return err
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := inspect(path+suffix, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// inspect looks at a file that is there already, and tightens its mode where it is what check accepts. A symbolic link
// is none: who could put it there would choose what is written to.
func inspect(path string, check func(io.Reader) error) error {
	before, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !before.Mode().IsRegular() {
		return fmt.Errorf("%s %w: it is no regular file", path, ErrForeign)
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
		return fmt.Errorf("%s %w: it was exchanged", path, ErrForeign)
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

// checkHead accepts an empty file and one of ours.
func checkHead(r io.Reader) error {
	head := make([]byte, headSize)
	switch n, err := io.ReadFull(r, head); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case n < headSize || !bytes.HasPrefix(head, []byte(magic)):
		return ErrForeign
	case binary.BigEndian.Uint32(head[applicationIDOffset:]) != applicationID:
		return fmt.Errorf("%w: it belongs to another program", ErrForeign)
	}
	return nil
}

// busyTimeout is how long a connection waits for a process that writes.
const busyTimeout = 5 * time.Second

// openDB opens a file that exists.
func openDB(path, more string) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		slashed = "/" + slashed // file:/C:/folder
	}
	return sql.Open("sqlite", fmt.Sprintf("file:%s?mode=rw&_busy_timeout=%d&_dqs=0&_pragma=trusted_schema(0)&%s",
		(&url.URL{Path: slashed}).EscapedPath(), busyTimeout.Milliseconds(), more))
}
