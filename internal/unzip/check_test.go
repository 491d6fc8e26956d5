package unzip_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

// Records of a zip archive, by APPNOTE.TXT 4.3.
const (
	centralSignature = "PK\x01\x02"
	endSignature     = "PK\x05\x06"
	centralSize      = 46 // of a central header without its name
	centralOffset    = 42 // of the offset of the local header in it
)

// overlapping is an archive with two names for one piece of compressed data.
func overlapping(t *testing.T) *bytes.Reader {
	t.Helper()
	data, err := os.ReadFile(save(t, archive(t, file{name: "a", data: "same"}, file{name: "b", data: "same"})))
	if err != nil {
		t.Fatal(err)
	}
	second := bytes.LastIndex(data, []byte(centralSignature))
	binary.LittleEndian.PutUint32(data[second+centralOffset:], 0)
	return bytes.NewReader(data)
}

func save(t *testing.T, r *bytes.Reader) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.zip")
	f, err := os.Create(path)
	if err == nil {
		_, err = r.WriteTo(f)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// manyEntries is an archive with a table of contents of n entries, 4 KB each, and nothing else.
func manyEntries(n int) *bytes.Reader {
	const nameSize = 4 << 10
	entry := make([]byte, centralSize+nameSize)
	copy(entry, centralSignature)
	binary.LittleEndian.PutUint16(entry[28:], nameSize)
	data := bytes.Repeat(entry, n)
	end := make([]byte, 22)
	copy(end, endSignature)
	binary.LittleEndian.PutUint16(end[8:], uint16(n))
	binary.LittleEndian.PutUint16(end[10:], uint16(n))
	binary.LittleEndian.PutUint32(end[12:], uint32(len(data)))
	return bytes.NewReader(append(data, end...))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	method := func(id uint16) *bytes.Reader {
		var buf bytes.Buffer
		w := zip.NewWriter(&buf)
		_, err := w.CreateRaw(&zip.FileHeader{Name: "a", Method: id})
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(buf.Bytes())
	}
	for name, tc := range map[string]struct {
		archive *bytes.Reader
		options unzip.Options
		want    error // nil: accepted
		text    string
		system  string // that can unpack it; "" for all
	}{
		"files and folders":        {archive: archive(t, file{name: "d/"}, file{name: "d/a", data: "1"}, file{name: "é", data: "2"})},
		"empty files":              {archive: archive(t, file{name: "a"}, file{name: "b"}, file{name: "c"})},
		"names in two cases":       {archive: archive(t, file{name: "a", data: "1"}, file{name: "A", data: "2"}), system: "linux"},
		"overlapping":              {archive: overlapping(t), want: unzip.ErrUnsafe, text: `"a" and "b" overlap`},
		"two forms of one name":    {archive: archive(t, file{name: "caf\u00e9"}, file{name: "cafe\u0301"}), want: unzip.ErrUnsafe, text: "forms of Unicode"},
		"a very long name":         {archive: archive(t, file{name: strings.Repeat("d/", 3000) + "a"}), want: unzip.ErrUnsafe, text: "6001 bytes"},
		"too many folders":         {archive: archive(t, file{name: "a/b/c/d/e"}), options: unzip.Options{MaxFiles: 4}, want: unzip.ErrTooLarge, text: "4 files and folders"},
		"a huge table of contents": {archive: manyEntries(9_000), want: unzip.ErrTooLarge, text: "table of contents"},
		"an unknown method":        {archive: method(99), want: zip.ErrAlgorithm, text: "method 99"},
		"too large":                {archive: archive(t, file{name: "a", data: "12345"}), options: unzip.Options{MaxBytes: 4}, want: unzip.ErrTooLarge},
		"not an archive":           {archive: bytes.NewReader([]byte("PK")), want: unzip.ErrNotZip},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := unzip.Check(tc.archive, tc.archive.Size(), tc.options)
			if !errors.Is(err, tc.want) || err != nil && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %v with %q", err, tc.want, tc.text)
			}
			if tc.system != "" && tc.system != runtime.GOOS {
				return
			}
			dest := filepath.Join(t.TempDir(), "app")
			err = unzip.ExtractNew(context.Background(), tc.archive, tc.archive.Size(), dest, tc.options)
			if !errors.Is(err, tc.want) {
				t.Errorf("unpacked with error %v, want %v", err, tc.want)
			}
		})
	}
	if n, err := unzip.Check(archive(t, file{name: "a", data: "12345"}, file{name: "b", data: "678"}), 0, unzip.Options{}); err == nil {
		t.Errorf("%d bytes of an archive of size 0", n)
	}
	r := archive(t, file{name: "a", data: "12345"}, file{name: "b", data: "678"})
	if n, err := unzip.Check(r, r.Size(), unzip.Options{}); n != 8 || err != nil {
		t.Errorf("%d bytes, %v; want 8", n, err)
	}
}

func TestExtractNew(t *testing.T) {
	t.Parallel()
	good := archive(t, file{name: "app.py", data: "1"}, file{name: "pages/x.py", data: "2"})
	bad := damagedArchive(t)
	for name, tc := range map[string]struct {
		archive *bytes.Reader
		there   map[string]string // what is in the folder before
		want    map[string]string // after it
		err     error
	}{
		"new":       {archive: good, want: map[string]string{"app": "/", "app/app.py": "1", "app/pages": "/", "app/pages/x.py": "2"}},
		"exists":    {archive: good, there: map[string]string{"app/mine": "x"}, want: map[string]string{"app": "/", "app/mine": "x"}, err: unzip.ErrExists},
		"is a file": {archive: good, there: map[string]string{"app": "x"}, want: map[string]string{"app": "x"}, err: unzip.ErrExists},
		"damaged":   {archive: bad, want: map[string]string{}, err: unzip.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, tc.there)
			err := unzip.ExtractNew(context.Background(), tc.archive, tc.archive.Size(), filepath.Join(dir, "app"), unzip.Options{})
			if !errors.Is(err, tc.err) {
				t.Errorf("error %v, want %v", err, tc.err)
			}
			if got := tree(t, dir); !maps.Equal(got, tc.want) {
				t.Errorf("folder holds %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		dir := t.TempDir()
		if err := unzip.ExtractNew(ctx, good, good.Size(), filepath.Join(dir, "app"), unzip.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if got := tree(t, dir); len(got) > 0 {
			t.Errorf("folder holds %q", got)
		}
	})
}

// damagedArchive has a whole first file and a second one whose content was changed.
func damagedArchive(t *testing.T) *bytes.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range []string{"a", "b"} {
		out, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = out.Write([]byte("content of " + name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data := bytes.Replace(buf.Bytes(), []byte("content of b"), []byte("content of c"), 1)
	return bytes.NewReader(data)
}
