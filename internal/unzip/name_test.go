package unzip_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

// Systems as archives name them.
const (
	dos    = 0
	unix   = 3
	ntfs   = 10
	macOS  = 19
	folder = fs.ModeDir | 0o755
)

// madeOn is an archive that a tool of another system has made, with entries of no content unless data is given.
func madeOn(t testing.TB, system uint16, entries ...file) *bytes.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Store, CreatorVersion: system<<8 | 20}
		if system == dos || system == ntfs {
			if e.mode.IsDir() {
				h.ExternalAttrs = 0x10
			}
		} else {
			h.SetMode(max(e.mode, 0o644))
			h.CreatorVersion = system<<8 | 20
		}
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(e.data)); err != nil && e.data != "" {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(buf.Bytes())
}

func TestNames(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("other systems refuse some of these names")
	}
	for name, tc := range map[string]struct {
		system  uint16
		entries []file
		want    map[string]string // nil: refused
	}{
		"backslashes of Windows": {dos, []file{{name: `pages\1.py`, data: "1"}, {name: `pages\more\2.py`, data: "2"}},
			map[string]string{"pages": "/", "pages/1.py": "1", "pages/more": "/", "pages/more/2.py": "2"}},
		"of NTFS":                  {ntfs, []file{{name: `pages\1.py`, data: "1"}}, map[string]string{"pages": "/", "pages/1.py": "1"}},
		"mixed":                    {dos, []file{{name: `a/b\c.txt`, data: "1"}}, map[string]string{"a": "/", "a/b": "/", "a/b/c.txt": "1"}},
		"a folder of Windows":      {dos, []file{{name: `pages\`}, {name: `pages\1.py`, data: "1"}}, map[string]string{"pages": "/", "pages/1.py": "1"}},
		"a folder by attribute":    {dos, []file{{name: "pages", mode: folder}, {name: "pages/1.py", data: "1"}}, map[string]string{"pages": "/", "pages/1.py": "1"}},
		"a dot before":             {dos, []file{{name: `.\pages\1.py`, data: "1"}}, map[string]string{"pages": "/", "pages/1.py": "1"}},
		"a backslash of Unix":      {unix, []file{{name: `data/a\b.txt`, data: "1"}}, map[string]string{"data": "/", `data/a\b.txt`: "1"}},
		"of macOS":                 {macOS, []file{{name: `a\b`, data: "1"}}, map[string]string{`a\b`: "1"}},
		"a colon of Unix":          {unix, []file{{name: "t:1.txt", data: "1"}}, map[string]string{"t:1.txt": "1"}},
		"bytes of Unix":            {unix, []file{{name: "caf\xe9.txt", data: "1"}}, map[string]string{"caf\xe9.txt": "1"}},
		"code page 437":            {dos, []file{{name: "caf\x82.txt", data: "1"}}, map[string]string{"café.txt": "1"}},
		"UTF-8":                    {dos, []file{{name: "café.txt", data: "1"}}, map[string]string{"café.txt": "1"}},
		"a slash too many":         {dos, []file{{name: "a//b", data: "1"}}, map[string]string{"a": "/", "a/b": "1"}},
		"climbing, Windows":        {dos, []file{{name: `..\evil`, data: "1"}}, nil},
		"climbing, Unix":           {unix, []file{{name: `..\evil`, data: "1"}}, nil},
		"climbing far, Unix":       {unix, []file{{name: `a\..\..\evil`, data: "1"}}, nil},
		"climbing, mixed":          {dos, []file{{name: `a/..\..\evil`, data: "1"}}, nil},
		"absolute, Windows":        {dos, []file{{name: `\evil`, data: "1"}}, nil},
		"server share, Windows":    {ntfs, []file{{name: `\\server\share\evil`, data: "1"}}, nil},
		"drive, Windows":           {ntfs, []file{{name: `C:\evil`, data: "1"}}, nil},
		"drive, Unix":              {unix, []file{{name: `C:\evil`, data: "1"}}, nil},
		"drive and slash, Unix":    {unix, []file{{name: "C:/evil", data: "1"}}, nil},
		"NUL, Windows":             {dos, []file{{name: "a\\\x00b", data: "1"}}, nil},
		"two spellings":            {dos, []file{{name: `a\b`, data: "1"}, {name: "a/b", data: "2"}}, nil},
		"a folder with content":    {dos, []file{{name: "a", mode: folder, data: "1"}}, nil},
		"a file below a file":      {dos, []file{{name: "a", data: "1"}, {name: `a\b`, data: "2"}}, nil},
		"only separators, Windows": {dos, []file{{name: `\\`}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dest := filepath.Join(t.TempDir(), "over", "there")
			_, err := extract(madeOn(t, tc.system, tc.entries...), dest, unzip.Options{})
			if tc.want == nil && !errors.Is(err, unzip.ErrUnsafe) || tc.want != nil && err != nil {
				t.Errorf("error %v, want files %v", err, tc.want)
			}
			if got := tree(t, dest); !maps.Equal(got, tc.want) {
				t.Errorf("folder holds %q, want %q", got, tc.want)
			}
		})
	}
}

// Whatever names an archive has, and wherever it is said to be from, nothing lands outside the folder.
func FuzzNames(f *testing.F) {
	for _, name := range []string{`..\x`, "../x", `a\..\..\x`, `C:\x`, "/x", `\x`, "a/../x", "x\xff", "./x", `x\`, "x:..", `..`, "....//x"} {
		f.Add(name, uint16(dos), false)
		f.Add(name, uint16(unix), true)
	}
	f.Fuzz(func(t *testing.T, name string, system uint16, isDir bool) {
		if len(name) > 100 {
			return
		}
		e := file{name: name}
		if isDir {
			e.mode = folder
		}
		if !strings.HasSuffix(name, "/") && !isDir {
			e.data = "1"
		}
		root := t.TempDir()
		write(t, root, map[string]string{"mine": "x"})
		_, err := extract(madeOn(t, system%20, e), filepath.Join(root, "dest"), unzip.Options{})
		for path := range tree(t, root) {
			if path != "mine" && path != "dest" && !strings.HasPrefix(path, "dest/") {
				t.Fatalf("%q lands at %q (%v)", name, path, err)
			}
		}
	})
}
