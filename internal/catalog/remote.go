package catalog

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/remote"
	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

// DefaultURL is where the examples of the product's documentation come from: a zip of its repository.
const DefaultURL = "https://api.github.com/repos/ploomber/doc/zipball/main"

// Limits of the download, in bytes. The whole documentation with its images is far below.
const (
	maxDownload = 1 << 30
	maxUnpacked = 2 << 30
)

// ErrDownload says that the examples could not be downloaded; it wraps the cause.
var ErrDownload = errors.New("cannot download the examples")

// Catalog finds the examples of the documentation. All fields are required.
type Catalog struct {
	Home string           // the user's home; the cache is in .ploomber below it
	Now  func() time.Time // the clock
	URL  string           // of the zip, DefaultURL unless the user says otherwise

	// Fetch writes the body of a 2xx answer to w, sends header and no API key, and ends with ctx. Anything but
	// a 2xx answer, and one of more than limit bytes, is an error.
	Fetch func(ctx context.Context, url string, header http.Header, limit int64, w io.Writer) error
}

// Load returns the examples from the cache where it is less than a day old and refresh is false, else downloads
// them. A cache that cannot be read is downloaded again. An error of the download wraps ErrDownload and its
// cause; a cache from before is then as it was.
func (c Catalog) Load(ctx context.Context, refresh bool) (Set, error) {
	if !refresh {
		if set, ok := c.fresh(); ok {
			return set, nil
		}
	}
	if err := c.download(ctx); err != nil {
		return Set{}, fmt.Errorf("%w from %s: %w", ErrDownload, remote.Public(c.URL), err)
	}
	set, _, err := c.readCache()
	if err != nil {
		return Set{}, fmt.Errorf("%w from %s: %w", ErrDownload, remote.Public(c.URL), err)
	}
	return set, nil
}

// download replaces the cache.
func (c Catalog) download(ctx context.Context) error {
	if err := os.MkdirAll(c.snapshots(), 0o700); err != nil {
		return err
	}
	// Beside the snapshots and not in the system's temporary folder, so that the move at the end is a rename.
	staging, err := os.MkdirTemp(c.snapshots(), ".ploomber-cloud-*.tmp")
	if err != nil {
		return err
	}
	defer removeTree(staging)

	archive := filepath.Join(staging, "doc.zip")
	if err := c.fetch(ctx, archive); err != nil {
		return err
	}
	top, err := topFolder(archive)
	if err != nil {
		return err
	}
	unpacked := filepath.Join(staging, "files")
	wanted := func(name string) bool { return strings.HasPrefix(name, top+"/examples/") }
	if _, err := unzip.ExtractFile(ctx, archive, unpacked, unzip.Options{MaxBytes: maxUnpacked, Take: wanted}); err != nil {
		return err
	}
	examples, err := scan(os.DirFS(filepath.Join(unpacked, top, "examples")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(examples) == 0 {
		return fmt.Errorf("the archive has no examples in %s/examples", top)
	}
	if err := swap(filepath.Join(unpacked, top), filepath.Join(c.snapshots(), top), filepath.Join(staging, "old")); err != nil {
		return err
	}
	if err := c.writeCache(top, examples); err != nil {
		return err
	}
	c.prune(top)
	return nil
}

func (c Catalog) fetch(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	header := http.Header{"Accept": {"application/vnd.github+json"}}
	return c.Fetch(ctx, c.URL, header, maxDownload, f)
}

// topFolder returns the one folder that everything in the archive is in.
func topFolder(archive string) (string, error) {
	z, err := zip.OpenReader(archive)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return "", fmt.Errorf("the response is %w: %w", unzip.ErrNotZip, err)
	}
	defer func() { _ = z.Close() }() // read-only: nothing to lose
	if len(z.File) == 0 {
		return "", errors.New("the archive is empty")
	}
	top, _, ok := strings.Cut(z.File[0].Name, "/")
	if !ok || !filepath.IsLocal(top) || top == "." || strings.HasPrefix(top, ".ploomber-cloud-") {
		return "", fmt.Errorf("the archive starts with %q, not with a folder", z.File[0].Name)
	}
	return top, nil
}

// swap puts the folder fresh where target is or would be; what was there goes to old.
func swap(fresh, target, old string) error {
	if err := os.Rename(target, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Rename(fresh, target)
}
