package bundle

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	spoolPrefix = "ploomber-cloud-upload-"
	spoolSuffix = ".zip"
)

// Archive is a zip in a temporary file without a name, if the system supports that, so that nothing is left behind
// even if the process is killed. Otherwise it has a name that CleanStale recognises.
type Archive struct {
	Stats
	file   *os.File
	remove string // path to remove on Close; "" where the file has no name
}

// Spool writes the archive of l to a temporary file in dir, readable by the user alone. The error is
// a *TooLargeError where Options.Limit is passed, ctx.Err() where ctx ends first, and else names the file; one about
// the temporary file names dir.
func Spool(ctx context.Context, l *Listing, dir string, o Options) (*Archive, error) {
	file, remove, err := tempFile(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot create a temporary file in %s: %w", dir, cause(err))
	}
	a := &Archive{file: file, remove: remove}
	again := func() error {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return file.Truncate(0)
	}
	if a.Stats, err = write(ctx, namedWriter{file, dir}, again, l, o); err != nil {
		_ = a.Close() // the error from writing is the one to report
		return nil, err
	}
	return a, nil
}

// namedWriter replaces the temporary name in errors by the folder, which is what matters if the disk is full.
type namedWriter struct {
	f   *os.File
	dir string
}

func (w namedWriter) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		err = fmt.Errorf("temporary file in %s: %w", w.dir, cause(err))
	}
	return n, err
}

// Open returns a reader from the start of the archive, each with its own position. Closing it does not affect the
// archive. Readers must not be used after closing the archive.
func (a *Archive) Open() io.ReadSeekCloser {
	return section{io.NewSectionReader(a.file, 0, a.Size)}
}

type section struct{ *io.SectionReader }

func (section) Close() error { return nil }

// Close removes the archive.
func (a *Archive) Close() error {
	err := a.file.Close()
	if a.remove != "" {
		if removeErr := os.Remove(a.remove); err == nil {
			err = removeErr
		}
	}
	return err
}

// namedTemp creates a temporary file with a name.
func namedTemp(dir string) (*os.File, error) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	name := filepath.Join(dir, spoolPrefix+hex.EncodeToString(b[:])+spoolSuffix)
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
}

// CleanStale removes archives of killed processes from dir, last written before the given time. There are none if
// temporary files have no name. It skips what cannot be removed.
func CleanStale(dir string, before time.Time) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name := e.Name()
		if !e.Type().IsRegular() || !strings.HasPrefix(name, spoolPrefix) || !strings.HasSuffix(name, spoolSuffix) {
			continue
		}
		if info, err := e.Info(); err == nil && info.Mode()&fs.ModeType == 0 && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(dir, name))
		}
	}
}
