// Package archive keeps the archives that users upload, each in a file that is named after the digest of its content. It takes
// what is sent as hostile: nothing is accepted that could not be unpacked within limits, and an upload that fails leaves nothing.
package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

// Limits of what an archive may unpack to. A small one is allowed a certain size, since text can be compressed well; a larger one
// a multiple of its own.
const (
	maxUnpacked   = unzip.DefaultMaxBytes
	smallUnpacked = 256 << 20
	maxRatio      = 200
)

// reserve is what uploads leave free on the disk, in bytes, for the database, the logs and the apps' data.
const reserve = 256 << 20

const partSuffix = ".part" // of a file that is being received

// Folder is a folder of archives. All methods are safe for concurrent use. Only one process may use it at a time.
type Folder struct {
	dir  string
	now  func() time.Time
	free func(path string) (bytes int64, known bool)

	names    sync.Mutex // held while a file gets its name or loses it
	checking sync.Mutex // the table of contents of one archive at a time is in memory
}

// Open opens the folder dir, which it creates if it does not exist, and removes what a killed process has left in it. now is
// the clock that Prune compares the times of files with.
func Open(dir string, now func() time.Time) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of uploads: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder of uploads: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), partSuffix) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, fmt.Errorf("remove an incomplete upload: %w", err)
			}
		}
	}
	return &Folder{dir: dir, now: now, free: fsx.Free}, nil
}

// Receive stores the archive that r reads and returns its SHA-256 in hexadecimal and its size in bytes. When it returns without
// an error, the archive survives a power failure.
//
// The error wraps platform.ErrLimit if r has more than limit bytes. It is a *platform.Problem with ReasonArchive if the content is
// not a zip archive or an unsafe one, with ReasonDisk if the disk is almost full. It wraps errors of r, and ctx.Err() if ctx
// ends; a read that blocks is not interrupted.
func (f *Folder) Receive(ctx context.Context, r io.Reader, limit int64) (digest string, size int64, err error) {
	part, err := os.CreateTemp(f.dir, "upload-*"+partSuffix) // with mode 0600
	if err != nil {
		return "", 0, f.failed(err)
	}
	defer func() {
		_ = part.Close()           // again, if it was closed
		_ = os.Remove(part.Name()) // unless it has got its name
	}()
	hash := sha256.New()
	in := &upload{Reader: r, ctx: ctx, folder: f}
	if size, err = io.Copy(io.MultiWriter(part, hash), io.LimitReader(in, limit+1)); err != nil {
		return "", 0, f.failed(err)
	}
	if size > limit {
		return "", 0, fmt.Errorf("an archive of more than %d bytes: %w", limit, platform.ErrLimit)
	}
	if err := f.check(part, size); err != nil {
		return "", 0, err
	}
	if err := errors.Join(part.Sync(), part.Close()); err != nil {
		return "", 0, f.failed(err)
	}
	digest = hex.EncodeToString(hash.Sum(nil))
	f.names.Lock()
	defer f.names.Unlock()
	// In place of an earlier upload of the same content, so that it counts as new.
	if err := os.Rename(part.Name(), f.path(digest)); err != nil {
		return "", 0, f.failed(err)
	}
	return digest, size, f.failed(syncFolder(f.dir))
}

// upload reads what is uploaded. It fails when ctx ends or the disk is almost full.
type upload struct {
	io.Reader
	ctx       context.Context
	folder    *Folder
	unchecked int64 // bytes until it looks at the disk again
}

func (u *upload) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	if u.unchecked <= 0 {
		if err := u.folder.checkSpace(0); err != nil {
			return 0, err
		}
		u.unchecked = reserve / 16
	}
	n, err := u.Reader.Read(p)
	u.unchecked -= int64(n)
	return n, err
}

// checkSpace returns a problem if the disk does not have room for more bytes besides the reserve.
func (f *Folder) checkSpace(more int64) error {
	if free, known := f.free(f.dir); known && free < reserve+more {
		return diskFull(fmt.Errorf("%d MB are free in %s, %d MB are needed", free>>20, f.dir, (reserve+more)>>20))
	}
	return nil
}

func diskFull(err error) error {
	return &platform.Problem{
		Reason: platform.ReasonDisk, Msg: "the platform's disk is almost full",
		Hint: "ask the operator of the platform to free some space, then deploy again", Err: err,
	}
}

// failed adds the reason to an error of the file system.
func (f *Folder) failed(err error) error {
	if isFull(err) {
		return diskFull(err)
	}
	return err
}

// check refuses an archive that could not be unpacked safely.
func (f *Folder) check(r io.ReaderAt, size int64) error {
	f.checking.Lock()
	defer f.checking.Unlock()
	_, err := unzip.Check(r, size, limits(size))
	return invalid(err)
}

func limits(size int64) unzip.Options {
	return unzip.Options{MaxBytes: min(maxUnpacked, max(smallUnpacked, maxRatio*size))}
}

// invalid describes an archive that was refused.
func invalid(err error) error {
	hint := "deploy again; 'ploomber-cloud deploy --list-files' shows what is uploaded"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unzip.ErrNotZip), errors.Is(err, unzip.ErrDamaged):
		hint = "deploy again: the upload was incomplete, or the file was not made by ploomber-cloud"
	case errors.Is(err, unzip.ErrTooLarge):
		hint = "leave large files out with 'ignore' in ploomber-cloud.json; the app can download them when it starts"
	}
	return &platform.Problem{Reason: platform.ReasonArchive, Msg: "the uploaded archive was refused: " + err.Error(), Hint: hint}
}

// Open opens an archive and returns its size in bytes. The error wraps platform.ErrNotFound if there is none with this digest.
func (f *Folder) Open(digest string) (file io.ReadCloser, size int64, err error) {
	return f.open(digest)
}

func (f *Folder) open(digest string) (*os.File, int64, error) {
	if !isDigest(digest) {
		return nil, 0, notFound(digest)
	}
	file, err := os.Open(f.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, notFound(digest)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// Unpack unpacks an archive to the folder dir, which must not exist; the folder that it is in must. dir gets its name once
// everything is in it. The error wraps platform.ErrNotFound if there is no such archive, and is a *platform.Problem if it is
// damaged or the disk has no room for its content.
func (f *Folder) Unpack(ctx context.Context, digest, dir string) error {
	file, size, err := f.open(digest)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // read only
	o := limits(size)
	unpacked, err := unzip.Check(file, size, o)
	if err != nil {
		return invalid(err)
	}
	if err := f.checkSpace(unpacked); err != nil {
		return err
	}
	err = unzip.ExtractNew(ctx, file, size, dir, o)
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return diskFull(err)
	case errors.Is(err, unzip.ErrDamaged), errors.Is(err, unzip.ErrUnsafe), errors.Is(err, unzip.ErrTooLarge), isBadName(err):
		return invalid(err)
	}
	return err
}

// Prune removes the archives that are not in keep and were received longer than age ago, and returns how many bytes that has
// freed. age is for those that are about to be deployed: they are not in anybody's list yet.
func (f *Folder) Prune(keep map[string]bool, age time.Duration) (freed int64, err error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if isDigest(e.Name()) && !keep[e.Name()] {
			n, err := f.removeOld(e.Name(), age)
			if err != nil {
				return freed, err
			}
			freed += n
		}
	}
	return freed, nil
}

func (f *Folder) removeOld(digest string, age time.Duration) (freed int64, err error) {
	f.names.Lock() // it may be received again at this moment
	defer f.names.Unlock()
	info, err := os.Stat(f.path(digest))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil || f.now().Sub(info.ModTime()) <= age {
		return 0, err
	}
	return info.Size(), os.Remove(f.path(digest))
}

func (f *Folder) path(digest string) string { return filepath.Join(f.dir, digest) }

func notFound(digest string) error { return fmt.Errorf("archive %q: %w", digest, platform.ErrNotFound) }

// isDigest reports whether s has the form of the digests of Receive; only then it may become a part of a path.
func isDigest(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}
