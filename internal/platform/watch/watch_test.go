package watch

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWatcher(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "app.py", "1")
	write(t, dir, "old.py", "1")
	write(t, dir, "env/pyvenv.cfg", "")
	see := func(w *watcher) []string {
		files, entries := look(os.DirFS(dir))
		if entries < len(files) {
			t.Errorf("%d entries, %d files", entries, len(files))
		}
		return w.see(files)
	}
	w := watcher{}
	see(&w)
	see(&w)
	for step, tc := range []struct {
		do   func()
		want []string // nil for no word of it
	}{
		{func() {}, nil},
		{func() { write(t, dir, "app.py", "22") }, []string{"app.py"}},
		{func() { write(t, dir, "pkg/new.py", "1"); write(t, dir, "templates/x.html", "1") }, []string{"pkg/new.py", "templates/x.html"}},
		{func() { _ = os.Rename(filepath.Join(dir, "old.py"), filepath.Join(dir, "other.py")) }, []string{"old.py", "other.py"}},
		{func() { // what apps and tools write
			write(t, dir, "data.csv", "1")
			write(t, dir, "db.sqlite", "1")
			write(t, dir, "out.json", "1")
			write(t, dir, "env/lib/x.py", "1")
			write(t, dir, ".git/x.py", "1")
			write(t, dir, "__pycache__/x.py", "1")
			write(t, dir, ".#app.py", "1")
		}, nil},
		{func() { _ = os.Remove(filepath.Join(dir, "app.py")) }, []string{"app.py"}},
	} {
		tc.do()
		if early := see(&w); early != nil {
			t.Errorf("step %d: %q is told while it may still be written", step, early)
		}
		if got := see(&w); !slices.Equal(got, tc.want) {
			t.Errorf("step %d: %q, want %q", step, got, tc.want)
		}
	}
	for _, name := range []string{"a.py", "b.py", "c.py"} { // written over some time, told at once
		write(t, dir, name, "1")
		if early := see(&w); early != nil {
			t.Errorf("told %q too early", early)
		}
	}
	if got := see(&w); !slices.Equal(got, []string{"a.py", "b.py", "c.py"}) {
		t.Errorf("%q", got)
	}
}

// The watch goes on by itself and ends with its context, as the search for leaks finds.
func TestSaved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changes := Saved(ctx, dir)
	write(t, dir, "app.py", "1")
	if got := <-changes; !slices.Equal(got, []string{"app.py"}) {
		t.Errorf("%q", got)
	}
}
