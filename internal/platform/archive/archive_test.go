package archive

import (
	"archive/zip"
	"bytes"
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
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const plenty = 1 << 40

func open(t *testing.T, dir string) *Folder {
	t.Helper()
	f, err := Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f.free = func(string) (int64, bool) { return plenty, true }
	return f
}

// entry is a file of a test archive.
type entry struct {
	name, text string
	mode       fs.FileMode
}

func zipped(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		out, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(out, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// claimed is an archive whose n files are empty, but said to have a number of bytes unpacked.
func claimed(t *testing.T, n int, size uint64) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := range n {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Method: zip.Deflate, UncompressedSize64: size}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestReceive(t *testing.T) {
	t.Parallel()
	f := open(t, filepath.Join(t.TempDir(), "archives"))
	data := zipped(t, entry{name: "app.py", text: "print(1)"}, entry{name: "data/x.csv", text: "a,b"})
	sum := sha256.Sum256(data)
	for range 2 { // the same content is kept once
		digest, size, err := f.Receive(t.Context(), bytes.NewReader(data), int64(len(data)))
		if digest != hex.EncodeToString(sum[:]) || size != int64(len(data)) || err != nil {
			t.Fatalf("digest %s, size %d, %v", digest, size, err)
		}
		if got := files(t, f.dir); len(got) != 1 || got[0] != digest {
			t.Errorf("folder has %q, want %s", got, digest)
		}
	}
	digest := hex.EncodeToString(sum[:])
	file, size, err := f.Open(digest)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil || !bytes.Equal(got, data) || size != int64(len(data)) {
		t.Errorf("read %d bytes, size %d, %v", len(got), size, err)
	}
	dir := filepath.Join(t.TempDir(), "code")
	if err := f.Unpack(t.Context(), digest, dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "data", "x.csv")); string(text) != "a,b" {
		t.Errorf("unpacked %q, %v", text, err)
	}
	if _, err := f.Prune(nil, -time.Hour); err != nil {
		t.Error(err)
	}
	if _, _, err := f.Open(digest); !errors.Is(err, platform.ErrNotFound) {
		t.Errorf("open a removed archive: %v", err)
	}
}

func TestReceiveRefuses(t *testing.T) {
	t.Parallel()
	good := zipped(t, entry{name: "app.py", text: "1"})
	for name, data := range map[string][]byte{
		"empty":                    {},
		"text":                     []byte("hello"),
		"tar":                      append([]byte("app.py"), make([]byte, 1018)...),
		"cut off":                  good[:len(good)-1],
		"climbs out":               zipped(t, entry{name: "../app.py"}),
		"climbs out in the middle": zipped(t, entry{name: "a/../../app.py"}),
		"absolute":                 zipped(t, entry{name: "/etc/passwd"}),
		"backslashes climb":        zipped(t, entry{name: `..\..\app.py`}),
		"drive of Windows":         zipped(t, entry{name: "C:/app.py"}),
		"share of Windows":         zipped(t, entry{name: `\\host\share\app.py`}),
		"symbolic link":            zipped(t, entry{name: "app.py", text: "/etc/passwd", mode: fs.ModeSymlink | 0o777}),
		"device":                   zipped(t, entry{name: "zero", mode: fs.ModeDevice | fs.ModeCharDevice | 0o666}),
		"name twice":               zipped(t, entry{name: "app.py"}, entry{name: "app.py"}),
		"name twice, spelled":      zipped(t, entry{name: "app.py"}, entry{name: "./app.py"}),
		"name twice, in Unicode":   zipped(t, entry{name: "caf\u00e9"}, entry{name: "cafe\u0301"}),
		"file is a folder":         zipped(t, entry{name: "a"}, entry{name: "a/b"}),
		"100,001 names":            claimed(t, 100_001, 0),
		"bomb":                     claimed(t, 1, smallUnpacked+1),
		"bomb in parts":            claimed(t, 1000, smallUnpacked/999),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, t.TempDir())
			digest, _, err := f.Receive(t.Context(), bytes.NewReader(data), 100<<20)
			var p *platform.Problem
			if !errors.As(err, &p) || p.Reason != platform.ReasonArchive || p.Hint == "" {
				t.Errorf("digest %q, error %v, want a problem with the archive and a hint", digest, err)
			}
			if got := files(t, f.dir); len(got) != 0 {
				t.Errorf("left %q", got)
			}
		})
	}
	f := open(t, t.TempDir())
	for name, data := range map[string][]byte{
		"100,000 names":      claimed(t, 100_000, 0),
		"well compressed":    claimed(t, 1, smallUnpacked),
		"names in two cases": zipped(t, entry{name: "app.py"}, entry{name: "App.py"}),
	} {
		if _, _, err := f.Receive(t.Context(), bytes.NewReader(data), 100<<20); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReceiveIsLimited(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	data := zipped(t, entry{name: "app.py", text: "1"})
	endless := &endlessReader{}
	for name, r := range map[string]io.Reader{"one byte more": bytes.NewReader(data), "endless": endless} {
		if _, _, err := f.Receive(t.Context(), r, int64(len(data))-1); !errors.Is(err, platform.ErrLimit) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if endless.read > 1<<20 {
		t.Errorf("%d bytes were read beyond the limit", endless.read)
	}
	if got := files(t, f.dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

type endlessReader struct{ read int }

func (r *endlessReader) Read(p []byte) (int, error) {
	r.read += len(p)
	return len(p), nil
}

// interrupted returns some data and then calls then.
type interrupted struct {
	data io.Reader
	then func() error
}

func (r *interrupted) Read(p []byte) (int, error) {
	if n, _ := r.data.Read(p); n > 0 {
		return n, nil
	}
	return 0, r.then()
}

func TestBrokenUpload(t *testing.T) {
	t.Parallel()
	data := zipped(t, entry{name: "app.py", text: "1"})
	gone := errors.New("connection reset")
	f := open(t, t.TempDir())
	half := func(then func() error) io.Reader { return &interrupted{bytes.NewReader(data[:len(data)/2]), then} }
	if _, _, err := f.Receive(t.Context(), half(func() error { return gone }), plenty); !errors.Is(err, gone) {
		t.Errorf("error %v, want that of the reader", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow := half(func() error { cancel(); return nil })
	if _, _, err := f.Receive(ctx, slow, plenty); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if got := files(t, f.dir); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

// What a killed process has left is removed at the next start, and nothing else.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	digest, _, err := f.Receive(t.Context(), bytes.NewReader(zipped(t, entry{name: "app.py"})), plenty)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.dir, "upload-1.part"), []byte("PK"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := files(t, open(t, f.dir).dir); len(got) != 1 || got[0] != digest {
		t.Errorf("folder has %q, want %s", got, digest)
	}
}

func TestAlmostFull(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	stored := func() []byte { // an archive that cannot be made smaller
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		out, err := w.CreateHeader(&zip.FileHeader{Name: "data", Method: zip.Store})
		if err == nil {
			_, err = out.Write(make([]byte, 4*size))
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}()
	f := open(t, t.TempDir())
	digest, _, err := f.Receive(t.Context(), bytes.NewReader(stored), plenty)
	if err != nil {
		t.Fatal(err)
	}
	wantFull := func(what string, err error) {
		t.Helper()
		var p *platform.Problem
		if !errors.As(err, &p) || p.Reason != platform.ReasonDisk || p.Hint == "" {
			t.Errorf("%s: error %v, want a problem with the disk and a hint", what, err)
		}
	}
	f.free = func(string) (int64, bool) { return reserve + size, true }
	dir := filepath.Join(t.TempDir(), "code")
	wantFull("unpack", f.Unpack(t.Context(), digest, dir))
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder exists: %v", err)
	}
	left := int64(reserve + size) // another program fills the disk meanwhile
	f.free = func(string) (int64, bool) { left -= size; return left, true }
	_, _, err = f.Receive(t.Context(), bytes.NewReader(stored), plenty)
	wantFull("receive", err)
	if got := files(t, f.dir); len(got) != 1 {
		t.Errorf("left %q", got)
	}
	f.free = func(string) (int64, bool) { return 0, false }
	if _, _, err := f.Receive(t.Context(), bytes.NewReader(stored), plenty); err != nil {
		t.Errorf("where the system does not tell: %v", err)
	}
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	data := zipped(t, entry{name: "app.py", text: "1"}, entry{name: "b", text: "content of b"})
	at := bytes.LastIndex(data[:bytes.Index(data, []byte("PK\x01\x02"))], []byte("PK\x07\x08"))
	data[at-3] ^= 0xff // in the compressed content of b
	digest, _, err := f.Receive(t.Context(), bytes.NewReader(data), plenty)
	if err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	var p *platform.Problem
	if err := f.Unpack(t.Context(), digest, filepath.Join(parent, "code")); !errors.As(err, &p) || p.Reason != platform.ReasonArchive {
		t.Errorf("a damaged archive: %v", err)
	}
	for _, digest := range []string{"", "../x", strings.Repeat("0", 64), strings.Repeat("A", 64), strings.Repeat("0", 63) + "/"} {
		if err := f.Unpack(t.Context(), digest, filepath.Join(parent, "code")); !errors.Is(err, platform.ErrNotFound) {
			t.Errorf("%q: %v", digest, err)
		}
	}
	if got := files(t, parent); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

func TestLongNames(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	digest, _, err := f.Receive(t.Context(), bytes.NewReader(zipped(t, entry{name: strings.Repeat("a", 300)})), plenty)
	if err != nil {
		t.Fatal(err)
	}
	var p *platform.Problem
	if err := f.Unpack(t.Context(), digest, filepath.Join(t.TempDir(), "code")); !errors.As(err, &p) || p.Reason != platform.ReasonArchive {
		t.Errorf("error %v, want a problem with the archive", err)
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	now := time.Now()
	f.now = func() time.Time { return now.Add(2 * time.Hour) }
	receive := func(text string) (string, int64) {
		digest, size, err := f.Receive(t.Context(), bytes.NewReader(zipped(t, entry{name: "app.py", text: text})), plenty)
		if err != nil {
			t.Fatal(err)
		}
		return digest, size
	}
	kept, _ := receive("kept")
	old, size := receive("old")
	if err := os.WriteFile(filepath.Join(f.dir, "note"), nil, 0o600); err != nil { // not ours
		t.Fatal(err)
	}
	again, _ := receive("again")
	for _, digest := range []string{kept, old, again} {
		if err := os.Chtimes(f.path(digest), now, now); err != nil {
			t.Fatal(err)
		}
	}
	if freed, err := f.Prune(map[string]bool{kept: true}, 3*time.Hour); freed != 0 || err != nil {
		t.Errorf("freed %d, %v before their age", freed, err)
	}
	f.now = time.Now // received again, so as new
	receive("again")
	if err := os.Chtimes(f.path(old), now.Add(-2*time.Hour), now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if freed, err := f.Prune(map[string]bool{kept: true}, time.Hour); freed != size || err != nil {
		t.Errorf("freed %d, %v; want %d", freed, err, size)
	}
	if got := files(t, f.dir); len(got) != 3 {
		t.Errorf("left %q, want %s, %s and the note", got, kept, again)
	}
}

// The same and different content at once, while others are removed.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	f := open(t, t.TempDir())
	var all sync.WaitGroup
	for i := range 8 {
		data := zipped(t, entry{name: "app.py", text: fmt.Sprint(i % 3)})
		all.Go(func() {
			digest, _, err := f.Receive(t.Context(), bytes.NewReader(data), plenty)
			if err == nil {
				_, err = f.Prune(nil, time.Hour)
			}
			if err == nil {
				err = f.Unpack(t.Context(), digest, filepath.Join(t.TempDir(), "code"))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := files(t, f.dir); len(got) != 3 {
		t.Errorf("%d archives, want 3", len(got))
	}
}
