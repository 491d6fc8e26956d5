package unzip_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/unzip"
)

// file is an entry of a test archive; a name that ends in a slash is a folder.
type file struct {
	name, data string
	mode       fs.FileMode
}

func archive(t testing.TB, files ...file) *bytes.Reader {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		if f.mode != 0 {
			h.SetMode(f.mode)
		}
		if strings.HasSuffix(f.name, "/") {
			h.Method = zip.Store
		}
		out, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(f.name, "/") {
			if _, err := out.Write([]byte(f.data)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(buf.Bytes())
}

// tree reads a folder: slash path -> content, "/" for a folder, "-> target" for a link.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			out[filepath.ToSlash(rel)] = "/"
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			out[filepath.ToSlash(rel)] = "-> " + to
			return err
		default:
			data, err := os.ReadFile(path)
			out[filepath.ToSlash(rel)] = string(data)
			return err
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func extract(r *bytes.Reader, dest string, o unzip.Options) ([]string, error) {
	return unzip.Extract(context.Background(), r, r.Size(), dest, o)
}

func TestExtract(t *testing.T) {
	t.Parallel()
	project := []file{{name: "app.py", data: "a"}, {name: "data/"}, {name: "data/a.csv", data: "1,2"}, {name: "x/y/z.txt", data: "z"}}
	for name, tc := range map[string]struct {
		there map[string]string
		files []file
		o     unzip.Options
		want  map[string]string
		list  []string
	}{
		"into nothing": {
			files: project,
			want:  map[string]string{"app.py": "a", "data": "/", "data/a.csv": "1,2", "x": "/", "x/y": "/", "x/y/z.txt": "z"},
			list:  []string{"app.py", "data/a.csv", "x/y/z.txt"},
		},
		"beside the user's files": {
			there: map[string]string{"notes.md": "mine", "data/b.csv": "mine"},
			files: project,
			want: map[string]string{"notes.md": "mine", "app.py": "a", "data": "/", "data/a.csv": "1,2", "data/b.csv": "mine",
				"x": "/", "x/y": "/", "x/y/z.txt": "z"},
			list: []string{"app.py", "data/a.csv", "x/y/z.txt"},
		},
		"a folder named after its file": {
			files: []file{{name: "d/f", data: "1"}, {name: "d/"}},
			want:  map[string]string{"d": "/", "d/f": "1"},
			list:  []string{"d/f"},
		},
		"a part": {
			files: project,
			o:     unzip.Options{Take: func(name string) bool { return strings.HasPrefix(name, "x/") }},
			want:  map[string]string{"x": "/", "x/y": "/", "x/y/z.txt": "z"},
			list:  []string{"x/y/z.txt"},
		},
		"dots are names too": {
			files: []file{{name: "./..a", data: "1"}, {name: ".env", data: "2"}, {name: "b..", data: "3"}},
			want:  map[string]string{"..a": "1", ".env": "2", "b..": "3"},
			list:  []string{"..a", ".env", "b.."},
		},
		"exactly the limits": {
			files: []file{{name: "a", data: "12345"}, {name: "b", data: "12345"}},
			o:     unzip.Options{MaxBytes: 10, MaxFiles: 2},
			want:  map[string]string{"a": "12345", "b": "12345"},
			list:  []string{"a", "b"},
		},
		"nothing": {want: map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "dots are names too" && runtime.GOOS == "windows" {
				return // a name cannot end in a dot there
			}
			dest := filepath.Join(t.TempDir(), "over", "there")
			write(t, dest, tc.there)
			list, err := extract(archive(t, tc.files...), dest, tc.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := tree(t, dest); !maps.Equal(got, tc.want) {
				t.Errorf("folder holds %v, want %v", got, tc.want)
			}
			if !slices.Equal(list, tc.list) {
				t.Errorf("list %q, want %q", list, tc.list)
			}
		})
	}
}

// Security class "downloads": no path leaves the target folder, nothing of the user's is lost.
func TestExtractRefuses(t *testing.T) {
	t.Parallel()
	ok := file{name: "ok.txt", data: "ok"}
	for name, tc := range map[string]struct {
		there map[string]string
		files []file
		o     unzip.Options
		want  error
	}{
		"climbing":             {files: []file{ok, {name: "../evil"}}, want: unzip.ErrUnsafe},
		"climbing far":         {files: []file{ok, {name: "../../../../tmp/evil"}}, want: unzip.ErrUnsafe},
		"climbing in between":  {files: []file{ok, {name: "a/../../evil"}}, want: unzip.ErrUnsafe},
		"climbing and back":    {files: []file{ok, {name: "a/../evil"}}, want: unzip.ErrUnsafe},
		"climbing folder":      {files: []file{ok, {name: "../evil/"}}, want: unzip.ErrUnsafe},
		"only dots":            {files: []file{ok, {name: ".."}}, want: unzip.ErrUnsafe},
		"absolute":             {files: []file{ok, {name: "/tmp/evil"}}, want: unzip.ErrUnsafe},
		"root":                 {files: []file{ok, {name: "/"}}, want: unzip.ErrUnsafe},
		"server share":         {files: []file{ok, {name: "//server/share/evil"}}, want: unzip.ErrUnsafe},
		"drive":                {files: []file{ok, {name: "C:/evil"}}, want: unzip.ErrUnsafe},
		"drive, relative":      {files: []file{ok, {name: "c:evil"}}, want: unzip.ErrUnsafe},
		"backslash":            {files: []file{ok, {name: `..\evil`}}, want: unzip.ErrUnsafe},
		"NUL":                  {files: []file{ok, {name: "a\x00.txt"}}, want: unzip.ErrUnsafe},
		"empty name":           {files: []file{ok, {name: ""}}, want: unzip.ErrUnsafe},
		"link":                 {files: []file{ok, {name: "link", data: "/etc", mode: fs.ModeSymlink | 0o777}}, want: unzip.ErrUnsafe},
		"device":               {files: []file{ok, {name: "dev", mode: fs.ModeDevice | 0o666}}, want: unzip.ErrUnsafe},
		"pipe":                 {files: []file{ok, {name: "pipe", mode: fs.ModeNamedPipe | 0o666}}, want: unzip.ErrUnsafe},
		"twice":                {files: []file{ok, ok}, want: unzip.ErrUnsafe},
		"twice, spelt apart":   {files: []file{ok, {name: "./ok.txt"}}, want: unzip.ErrUnsafe},
		"file then folder":     {files: []file{ok, {name: "ok.txt/in"}}, want: unzip.ErrUnsafe},
		"folder then file":     {files: []file{{name: "d/in"}, {name: "d", data: "x"}}, want: unzip.ErrUnsafe},
		"too many bytes":       {files: []file{ok, {name: "a", data: "123456789"}}, o: unzip.Options{MaxBytes: 10}, want: unzip.ErrTooLarge},
		"too many files":       {files: []file{ok, {name: "a"}}, o: unzip.Options{MaxFiles: 1}, want: unzip.ErrTooLarge},
		"a file is there":      {there: map[string]string{"ok.txt": "mine"}, files: []file{{name: "first"}, ok}, want: unzip.ErrExists},
		"a folder in the way":  {there: map[string]string{"ok.txt/keep": "k"}, files: []file{{name: "first"}, ok}, want: unzip.ErrExists},
		"a file for a folder":  {there: map[string]string{"d": "mine"}, files: []file{{name: "first"}, {name: "d/in"}}, want: unzip.ErrExists},
		"climbing, not wanted": {files: []file{ok, {name: "../evil"}}, o: unzip.Options{Take: func(n string) bool { return n == "ok.txt" }}, want: unzip.ErrUnsafe},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outside := t.TempDir()
			dest := filepath.Join(outside, "a", "b")
			write(t, dest, tc.there)
			before := tree(t, outside)
			_, err := extract(archive(t, tc.files...), dest, tc.o)
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			if got := tree(t, outside); !maps.Equal(got, before) {
				t.Errorf("left %v, want %v", got, before)
			}
		})
	}
}

func TestExtractRefusesWhatIsNoZip(t *testing.T) {
	t.Parallel()
	whole := make([]byte, archive(t, file{name: "a", data: "data"}).Size())
	if _, err := archive(t, file{name: "a", data: "data"}).Read(whole); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("not a zip"), "cut": whole[:len(whole)-5], "JSON": []byte(`{"message": "rate limit"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dest := filepath.Join(t.TempDir(), "out")
			if _, err := extract(bytes.NewReader(data), dest, unzip.Options{}); !errors.Is(err, unzip.ErrNotZip) || strings.Contains(err.Error(), "zip:") {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(dest); !errors.Is(err, fs.ErrNotExist) {
				t.Error("the folder was made")
			}
		})
	}
}

// An archive that breaks off while it is unpacked leaves nothing.
func TestExtractRefusesDamage(t *testing.T) {
	t.Parallel()
	r := archive(t, file{name: "new.py", data: "new"}, file{name: "b.txt", data: strings.Repeat("content ", 100)})
	data := make([]byte, r.Size())
	if _, err := r.Read(data); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("b.txt")) + len("b.txt") + 3
	data[at] ^= 0xff // inside the packed bytes of b.txt
	dest := t.TempDir()
	write(t, dest, map[string]string{"app.py": "mine"})
	if _, err := extract(bytes.NewReader(data), dest, unzip.Options{}); err == nil {
		t.Fatal("a broken archive was unpacked")
	}
	if got := tree(t, dest); !maps.Equal(got, map[string]string{"app.py": "mine"}) {
		t.Errorf("left %v", got)
	}
}

// fuse is a context that ends after a number of looks at it.
type fuse struct {
	context.Context
	left int
}

func (f *fuse) Err() error {
	if f.left--; f.left < 0 {
		return context.Canceled
	}
	return nil
}

// Interrupted at any step, what was made goes and what was there stays.
func TestExtractTakesBack(t *testing.T) {
	t.Parallel()
	before := map[string]string{"d": "/", "d/a": "mine", "keep": "k"}
	after := map[string]string{"app.py": "new", "d": "/", "d/a": "mine", "d/b": "new", "e": "/", "e/c": "new", "keep": "k"}
	interrupted := 0
	for steps := 0; ; steps++ {
		dest := t.TempDir()
		write(t, dest, map[string]string{"d/a": "mine", "keep": "k"})
		r := archive(t, file{name: "app.py", data: "new"}, file{name: "d/b", data: "new"}, file{name: "e/c", data: "new"})
		_, err := unzip.Extract(&fuse{t.Context(), steps}, r, r.Size(), dest, unzip.Options{})
		want := after
		if err != nil {
			want, interrupted = before, interrupted+1
		}
		if got := tree(t, dest); !maps.Equal(got, want) {
			t.Fatalf("after %d steps (%v) the folder holds %v, want %v", steps, err, got, want)
		}
		if err == nil {
			break
		}
	}
	if interrupted < 8 { // five entries unpacked, five moved
		t.Errorf("interrupted only %d times", interrupted)
	}
}

// A size in the table of contents is only a claim: a file that unpacks to more is stopped.
func TestExtractBelievesNoSize(t *testing.T) {
	t.Parallel()
	r := archive(t, file{name: "bomb", data: strings.Repeat("0", 1<<20)})
	data := make([]byte, r.Size())
	if _, err := r.Read(data); err != nil {
		t.Fatal(err)
	}
	central := bytes.LastIndex(data, []byte("PK\x01\x02"))
	copy(data[central+24:], []byte{1, 0, 0, 0}) // uncompressed size, section 4.3.12 of the zip specification
	dest := filepath.Join(t.TempDir(), "out")
	if _, err := extract(bytes.NewReader(data), dest, unzip.Options{MaxBytes: 1000}); err == nil {
		t.Error("no error")
	}
	if got := tree(t, filepath.Dir(dest)); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestExtractFollowsNoLinkOutside(t *testing.T) {
	t.Parallel()
	outside, dest := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dest, "data")); err != nil {
		t.Fatal(err)
	}
	if _, err := extract(archive(t, file{name: "ok"}, file{name: "data/evil", data: "x"}), dest, unzip.Options{}); err == nil {
		t.Error("no error")
	}
	if got := tree(t, outside); len(got) != 0 {
		t.Errorf("outside holds %v", got)
	}
	if got := tree(t, dest); len(got) != 1 {
		t.Errorf("folder holds %v", got)
	}
}

func TestExtractLeavesADanglingLink(t *testing.T) {
	t.Parallel()
	dest := filepath.Join(t.TempDir(), "dangling")
	if err := os.Symlink("nowhere", dest); err != nil {
		t.Fatal(err)
	}
	if _, err := extract(archive(t, file{name: "ok"}), dest, unzip.Options{}); err == nil {
		t.Error("no error")
	}
	if _, err := os.Lstat(dest); err != nil {
		t.Error(err)
	}
}

func TestExtractKeepsExecutables(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // modes mean nothing there
	}
	dest := t.TempDir()
	files := []file{{name: "run.sh", mode: 0o755}, {name: "plain", mode: 0o644}, {name: "setuid", mode: fs.ModeSetuid | 0o644}}
	if _, err := extract(archive(t, files...), dest, unzip.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"run.sh": true, "plain": false, "setuid": false} {
		info, err := os.Stat(filepath.Join(dest, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode()&0o111 != 0; got != want || info.Mode()&fs.ModeSetuid != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestExtractStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dest := filepath.Join(t.TempDir(), "x", "y")
	r := archive(t, file{name: "a", data: "1"})
	if _, err := unzip.Extract(ctx, r, r.Size(), dest, unzip.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Dir(dest)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("folders were left")
	}
}

func TestExtractFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.zip")
	r := archive(t, file{name: "a", data: "1"})
	data := make([]byte, r.Size())
	if _, err := r.Read(data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, err := unzip.ExtractFile(context.Background(), path, filepath.Join(dir, "out"), unzip.Options{}); err != nil || len(list) != 1 {
		t.Errorf("%q, %v", list, err)
	}
	if _, err := unzip.ExtractFile(context.Background(), path+".no", dir, unzip.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// FuzzExtract: whatever the bytes, nothing appears beside the folder, and an error leaves nothing in it.
func FuzzExtract(f *testing.F) {
	for _, files := range [][]file{
		{{name: "app.py", data: "a"}, {name: "data/"}, {name: "data/a.csv", data: "1,2"}},
		{{name: "../evil", data: "x"}},
		{{name: "link", data: "/etc", mode: fs.ModeSymlink | 0o777}},
	} {
		r := archive(f, files...)
		data := make([]byte, r.Size())
		if _, err := r.Read(data); err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		outside := t.TempDir()
		dest := filepath.Join(outside, "in")
		list, err := extract(bytes.NewReader(data), dest, unzip.Options{MaxBytes: 1 << 20, MaxFiles: 100})
		got := tree(t, outside)
		if err != nil && len(got) != 0 {
			t.Errorf("left %v after %v", got, err)
		}
		for name := range got {
			if name != "in" && !strings.HasPrefix(name, "in/") {
				t.Errorf("%q was made outside", name)
			}
		}
		for _, name := range list {
			if _, ok := got["in/"+name]; !ok {
				t.Errorf("%q is in the list only", name)
			}
		}
	})
}
