// Package unzip unpacks an untrusted zip archive into a folder: nothing is written outside that folder, no
// existing file is lost, and either every file arrives or none does. It knows nothing about what the archive is
// for.
package unzip

import (
	"archive/zip"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
)

// Default limits of Options.
const (
	DefaultMaxBytes = 4 << 30 // unpacked; the largest upload of any tier is 0.5 GB packed
	DefaultMaxFiles = 100_000
)

// What can be wrong with an archive or its destination. Errors of Extract wrap one of these, or the cause from the
// system, and name the entry.
var (
	ErrNotZip   = errors.New("not a zip archive")
	ErrDamaged  = errors.New("damaged archive")
	ErrUnsafe   = errors.New("unsafe entry in the archive")
	ErrTooLarge = errors.New("archive is too large")
	ErrExists   = errors.New("already exists")
)

// Options of one extraction. The zero value extracts every entry.
type Options struct {
	MaxBytes int64                  // total unpacked bytes; 0 means DefaultMaxBytes
	MaxFiles int                    // entries of the archive, including folders; 0 means DefaultMaxFiles
	Take     func(name string) bool // wanted entries, by slash path; nil means all

	// Staging is a folder of the caller outside dest. Files are unpacked there before they get their names, so
	// that a killed process leaves only whole files in dest, and the next run continues from them. With "" it is a
	// hidden folder inside dest.
	Staging string
}

// Extract unpacks the archive in r, size bytes long, below the folder dest, which is made when it is not
// there, and returns the slash paths of the files that are there then, in the archive's order. Nothing is overwritten:
// a file that was there before is in the way, unless it holds the very same; then it counts as unpacked already.
//
// An archive with an entry that is absolute, climbs out, names a drive, is a link or a device, or comes twice is
// refused as a whole with ErrUnsafe. Names are read as the system means them that the archive is from: a backslash of
// Windows separates, one of Unix is a character where this system is Unix too. On any error, and when ctx ends, dest is left as
// it was. Other writers of dest are not locked out, but a file that one of them makes meanwhile is not
// overwritten where the file system knows hard links.
func Extract(ctx context.Context, r io.ReaderAt, size int64, dest string, o Options) ([]string, error) {
	plan, err := read(r, size, o)
	if err != nil {
		return nil, err
	}
	made, err := makeFolder(dest)
	if err != nil {
		return nil, err
	}
	files, err := fill(ctx, dest, plan, o)
	if err != nil {
		made.undo()
		return nil, err
	}
	return files, nil
}

// Check returns what Extract would find wrong with an archive, without unpacking it, and the number of bytes that it says to have
// unpacked.
func Check(r io.ReaderAt, size int64, o Options) (unpacked int64, err error) {
	p, err := read(r, size, o)
	return p.total, err
}

// ExtractNew unpacks the archive in r, size bytes long, to the folder dest, which must not exist; the folder that it is in must.
// dest gets its name once everything is in it, so a killed process leaves no part of it, but perhaps a folder beside it whose
// name begins with a dot. Which archives are refused is as for Extract.
func ExtractNew(ctx context.Context, r io.ReaderAt, size int64, dest string, o Options) error {
	p, err := read(r, size, o)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dest); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s %w", dest, ErrExists))
	}
	staging, err := os.MkdirTemp(filepath.Dir(dest), ".ploomber-cloud-*.tmp")
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(staging)
	if err == nil {
		err = errors.Join(p.unpack(ctx, root, "."), root.Close())
	}
	if err == nil {
		err = os.Rename(staging, dest)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	return nil
}

// ExtractFile is Extract for an archive on disk.
func ExtractFile(ctx context.Context, archive, dest string, o Options) ([]string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read-only: nothing to lose
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return Extract(ctx, f, info.Size(), dest, o)
}

// fill unpacks into a temporary folder, then moves each file to its name. A temporary folder inside dest is on the
// same file system, so a move cannot run out of space half-way; where one outside is not, that is taken back.
func fill(ctx context.Context, dest string, p plan, o Options) (_ []string, err error) {
	root, err := os.OpenRoot(dest)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	if err := p.checkRoom(root); err != nil {
		return nil, err
	}
	outside, in := o.Staging != "", dest
	if outside {
		in = o.Staging
	}
	staging, err := os.MkdirTemp(in, ".ploomber-cloud-*.tmp")
	if err != nil {
		return nil, err
	}
	defer func() {
		if cleanErr := os.RemoveAll(staging); err == nil && cleanErr != nil {
			err = fmt.Errorf("cannot clean up %s: %w", staging, cleanErr)
		}
	}()
	m := mover{root: root, from: root, fresh: filepath.Base(staging)}
	if outside {
		if m.from, err = os.OpenRoot(in); err != nil {
			return nil, err
		}
		defer func() { _ = m.from.Close() }()
	}
	if err := p.unpack(ctx, m.from, m.fresh); err != nil {
		return nil, err
	}
	for _, e := range p.entries {
		err := ctx.Err()
		if err == nil {
			err = m.place(e)
		}
		if err != nil {
			m.undo()
			return nil, err
		}
	}
	return p.files(), nil
}

// folders that were made, outermost first.
type folders []string

// makeFolder creates dir and its missing parents.
func makeFolder(dir string) (made folders, err error) {
	var missing []string
	for d := filepath.Clean(dir); ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err == nil && info.IsDir() || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	for _, d := range slices.Backward(missing) {
		if err := os.Mkdir(d, 0o755); err != nil { // also if a file, or a dangling link, is in the way
			made.undo()
			return nil, err
		}
		made = append(made, d)
	}
	return made, nil
}

// undo removes the folders that are empty.
func (f folders) undo() {
	for _, d := range slices.Backward(f) {
		_ = os.Remove(d) // another program's file in it keeps it
	}
}

// maxDirectory is the size of the longest table of contents that is read, in bytes. It has 46 for each entry, its name, and some
// 30 more; the limit of entries alone would come too late, when all of them are in memory.
const maxDirectory = 32 << 20

// open reads the table of contents.
func open(r io.ReaderAt, size int64) (*zip.Reader, error) {
	limited := &limitedReaderAt{ReaderAt: r, left: maxDirectory}
	z, err := zip.NewReader(limited, size)
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, fmt.Errorf("%w: its table of contents is larger than %d bytes", ErrTooLarge, maxDirectory)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // names are judged in one place, checkName
		return nil, &readError{msg: ErrNotZip.Error(), kind: ErrNotZip, cause: err}
	}
	limited.left = math.MaxInt64
	return z, nil
}

// limitedReaderAt fails with ErrTooLarge once it has read a number of bytes. It must not be used concurrently.
type limitedReaderAt struct {
	io.ReaderAt
	left int64
}

func (r *limitedReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	if r.left < int64(len(p)) {
		return 0, ErrTooLarge
	}
	n, err := r.ReaderAt.ReadAt(p, offset)
	r.left -= int64(n)
	return n, err
}

// readError describes an error of archive/zip.
type readError struct {
	msg         string
	kind, cause error
}

func (e *readError) Error() string   { return e.msg }
func (e *readError) Unwrap() []error { return []error{e.kind, e.cause} }

// damaged describes an entry whose data is not what the table of contents says.
func damaged(e entry, cause error) error {
	return &readError{msg: fmt.Sprintf("cannot unpack %q: the archive is damaged", e.name), kind: ErrDamaged, cause: cause}
}

// unpackError describes an entry that cannot be unpacked.
func unpackError(e entry, err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &corrupt):
		return damaged(e, err)
	case errors.Is(err, zip.ErrAlgorithm):
		return &readError{msg: fmt.Sprintf("cannot unpack %q: unsupported compression method %d", e.name, e.zip.Method), cause: err}
	}
	return fmt.Errorf("cannot unpack %q: %w", e.name, err)
}
