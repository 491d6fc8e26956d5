package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

func pack(t *testing.T, l *bundle.Listing, o bundle.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	stats, err := bundle.Write(t.Context(), &out, l, o)
	if err != nil {
		t.Fatal(err)
	}
	files, size := l.Total()
	if stats.Files != files || stats.Bytes != size || stats.Size != int64(out.Len()) {
		t.Errorf("stats %+v; planned %d files, %d bytes; the zip has %d", stats, files, size, out.Len())
	}
	return out.Bytes()
}

type unpacked struct {
	content string
	mode    fs.FileMode
	time    time.Time
	method  uint16
	packed  uint64
}

// unzip reads every entry, which checks its size and checksum.
func unzip(t *testing.T, data []byte) map[string]unpacked {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]unpacked)
	for _, f := range r.File {
		c, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(c)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if _, twice := files[f.Name]; twice {
			t.Errorf("%s is duplicated", f.Name)
		}
		files[f.Name] = unpacked{string(content), f.Mode(), f.Modified, f.Method, f.CompressedSize64}
	}
	return files
}

func random(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed)})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

// text makes n bytes that compress about as well as source code.
func text(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var out bytes.Buffer
	for out.Len() < n {
		fmt.Fprintf(&out, "def handle_%d(self, value):\n    return self.table[%d] + value * %d\n", r.IntN(500), r.IntN(1000), r.IntN(99999))
	}
	return out.Bytes()[:n]
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	contents := map[string][]byte{
		"empty": nil, "one": []byte("x"), "text.py": text(1, 5000), "block.txt": text(2, mib), "block+1.txt": text(3, mib+1), "blocks.txt": text(4, 3*mib),
		"odd.csv": text(5, 5*mib+77), "random.bin": random(1, 300_000), "random.png": random(2, 3*mib+5), "tiny.png": random(3, 100),
		"zeros.png": make([]byte, 2*mib+1), "mixed.bin": append(append(append(make([]byte, mib), random(4, mib)...), text(6, mib)...), random(5, 70_000)...),
		"mixed2.bin": append(random(6, mib), make([]byte, 10)...), "a/b/c d/é ü.txt": []byte("unicode"), "quote\"d": []byte("q"), "end.txt": text(7, 10),
	}
	dir := t.TempDir()
	for name, content := range contents {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), string(content))
	}
	l := plan(t, dir, bundle.Rules{})
	var first []byte
	for _, o := range []bundle.Options{{}, {Workers: 1}, {Workers: 7}, {Level: 1}, {Level: 9}} {
		data := pack(t, l, o)
		if o.Level == 0 && first != nil && !bytes.Equal(first, data) {
			t.Errorf("%+v: another zip than with other workers", o)
		}
		if first == nil {
			first = data
		}
		files := unzip(t, data)
		if len(files) != len(contents) {
			t.Errorf("%+v: %d files, want %d", o, len(files), len(contents))
		}
		for name, want := range contents {
			if files[name].content != string(want) {
				t.Errorf("%+v: %s differs", o, name)
			}
			if max := uint64(len(want) + len(want)/1000 + 16); files[name].packed > max {
				t.Errorf("%+v: %s takes %d bytes", o, name, files[name].packed)
			}
		}
	}
	files := unzip(t, first)
	if f := files["zeros.png"]; f.packed > 10_000 {
		t.Errorf("zeros under a packed name take %d bytes", f.packed)
	}
	if f := files["random.bin"]; f.method != zip.Store {
		t.Errorf("random data has method %d", f.method)
	}
	if f := files["mixed.bin"]; f.packed > mib+mib/2 {
		t.Errorf("mixed data takes %d bytes", f.packed)
	}
}

func TestModesAndTimes(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"run.sh": "x", "old": "x", "future": "x", "app.py": "x", "link": "-> run.sh"})
	at := time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC)
	times := map[string][2]time.Time{ // set, expected
		"run.sh": {at, at}, "app.py": {at.Add(time.Second), at},
		"old":    {time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)},
		"future": {time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)},
	}
	for name, tc := range times {
		if err := os.Chtimes(filepath.Join(dir, name), tc[0], tc[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "run.sh"), 0o750); err != nil {
		t.Fatal(err)
	}
	files := unzip(t, pack(t, plan(t, dir, bundle.Rules{}), bundle.Options{}))
	for name, tc := range times {
		if !files[name].time.Equal(tc[1]) {
			t.Errorf("%s: %v, want %v", name, files[name].time, tc[1])
		}
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{"run.sh": 0o750, "link": 0o750, "app.py": 0o644} {
			if files[name].mode != want {
				t.Errorf("%s: mode %v, want %v", name, files[name].mode, want)
			}
		}
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "random"), string(random(1, 3<<20)))
	put(t, filepath.Join(dir, "zeros"), strings.Repeat("\x00", 3<<20))
	l := plan(t, dir, bundle.Rules{})
	size := int64(len(pack(t, l, bundle.Options{})))
	pack(t, l, bundle.Options{Limit: size}) // just fits
	var out bytes.Buffer
	_, err := bundle.Write(t.Context(), &out, l, bundle.Options{Limit: size - 1})
	var large *bundle.TooLargeError
	if !errors.As(err, &large) || large.Limit != size-1 || large.Size <= large.Limit || large.Size > size {
		t.Errorf("got %v", err)
	}
	if int64(out.Len()) >= size {
		t.Errorf("%d bytes were written", out.Len())
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), string(text(1, 3<<20)))
	put(t, filepath.Join(dir, "b"), string(text(2, 1000)))
	var last, calls int64
	pack(t, plan(t, dir, bundle.Rules{}), bundle.Options{Progress: func(done, total int64) {
		if done < last || total != 3<<20+1000 {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last, calls = done, calls+1
	}})
	if last != 3<<20+1000 || calls < 4 {
		t.Errorf("ended at %d after %d calls", last, calls)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), string(text(1, 8<<20)))
	l := plan(t, dir, bundle.Rules{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := bundle.Write(ctx, io.Discard, l, bundle.Options{Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
	if _, err := bundle.Plan(ctx, dir, bundle.Rules{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Plan: %v", err)
	}
}

type failing struct{ after int }

var errFull = errors.New("no space")

func (f *failing) Write(p []byte) (int, error) {
	if f.after -= len(p); f.after < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a"), string(random(1, 5<<20)))
	l := plan(t, dir, bundle.Rules{})
	for _, after := range []int{0, 1 << 20, 5 << 20} {
		if _, err := bundle.Write(t.Context(), &failing{after}, l, bundle.Options{}); !errors.Is(err, errFull) {
			t.Errorf("after %d: %v", after, err)
		}
	}
}

// TestBlocksSeeWhatCameBefore packs a text that repeats at a distance: where each block starts afresh, each
// carries it once.
func TestBlocksSeeWhatCameBefore(t *testing.T) {
	t.Parallel()
	period := random(1, 24<<10)
	for i := range period {
		period[i] = ' ' + period[i]%64
	}
	content := bytes.Repeat(period, 4<<20/len(period))
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.txt"), string(content))
	f := unzip(t, pack(t, plan(t, dir, bundle.Rules{}), bundle.Options{}))["a.txt"]
	if f.content != string(content) || f.packed > uint64(3*len(period)) {
		t.Errorf("%d bytes packed, the repeated part has %d", f.packed, len(period))
	}
}
