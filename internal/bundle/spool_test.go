package bundle_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

func TestSpool(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.txt"), string(text(1, 2<<20)))
	put(t, filepath.Join(dir, "b.bin"), string(random(1, 100_000)))
	l := plan(t, dir, bundle.Rules{})
	want := pack(t, l, bundle.Options{})

	temp := t.TempDir()
	a, err := bundle.Spool(t.Context(), l, temp, bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Size != int64(len(want)) || a.Files != 2 {
		t.Errorf("stats %+v, the zip has %d bytes", a.Stats, len(want))
	}
	if runtime.GOOS != "windows" {
		if left, _ := os.ReadDir(temp); len(left) > 0 {
			t.Errorf("%s has a name: a killed process would leave it", left[0].Name())
		}
	}
	half, whole := a.Open(), a.Open()
	if _, err := io.CopyN(io.Discard, half, a.Size/2); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(whole); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	if _, err := half.Seek(0, io.SeekStart); err != nil || half.Close() != nil || whole.Close() != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(half); err != nil || !bytes.Equal(got, want) { // a retry reads it again
		t.Errorf("again: read %d bytes, %v", len(got), err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

func TestSpoolFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "b.bin"), string(random(1, 3<<20)))
	l := plan(t, dir, bundle.Rules{})
	gone := filepath.Join(t.TempDir(), "gone")
	if _, err := bundle.Spool(t.Context(), l, gone, bundle.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such folder: %v", err)
	}
	temp := t.TempDir()
	var large *bundle.TooLargeError
	if _, err := bundle.Spool(t.Context(), l, temp, bundle.Options{Limit: 1 << 20}); !errors.As(err, &large) {
		t.Errorf("limit: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bundle.Spool(ctx, l, temp, bundle.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

func TestCleanStale(t *testing.T) {
	t.Parallel()
	dir := project(t, names("ploomber-cloud-upload-00112233aabbccdd.zip", "ploomber-cloud-upload-0123456789abcdef.zip", "other.zip"))
	now := time.Now()
	old := now.Add(-48 * time.Hour)
	for _, name := range []string{"ploomber-cloud-upload-00112233aabbccdd.zip", "other.zip"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	bundle.CleanStale(dir, now.Add(-24*time.Hour))
	if got := listed(plan(t, dir, bundle.Rules{}), true); got != "other.zip ploomber-cloud-upload-0123456789abcdef.zip" {
		t.Errorf("left: %s", got)
	}
}

// TestProjectIsOnlyRead packs a project in which nothing may be written and compares it afterwards.
func TestProjectIsOnlyRead(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "x", "sub/data.csv": "1,2", ".env": "A=1", "link": "-> app.py"})
	before := snapshot(t, dir)
	for _, path := range []string{"sub", "."} {
		if err := os.Chmod(filepath.Join(dir, path), 0o555); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(filepath.Join(dir, path), 0o755) }()
	}
	a, err := bundle.Spool(t.Context(), plan(t, dir, bundle.Rules{}), t.TempDir(), bundle.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("was\n%s\nis\n%s", before, after)
	}
}

func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var out bytes.Buffer
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			content, _ := os.ReadFile(path)
			out.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + " " + string(content) + "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
