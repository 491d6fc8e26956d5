//go:build unix

package bundle_test

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/bundle"
)

// TestSpecialFiles hangs where a pipe is opened in the ordinary way.
func TestSpecialFiles(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "x", "link": "-> pipe", "swapped": "x", "key.pem": "x"})
	for _, name := range []string{"pipe", "pipe.pem", ".env"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	short, err := os.MkdirTemp("", "s") //nolint:usetesting // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(short) }()
	socket, err := net.Listen("unix", filepath.Join(short, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	if got := ruleOf(t, plan(t, short, bundle.Rules{}), "socket"); got.Kind != bundle.Special {
		t.Errorf("socket: %v", got)
	}

	l := plan(t, dir, bundle.Rules{})
	if got := listed(l, true); got != "app.py key.pem swapped" {
		t.Errorf("ships %s", got)
	}
	for _, name := range []string{"pipe", "pipe.pem", "link"} {
		if got := ruleOf(t, l, name); got.Kind != bundle.Special {
			t.Errorf("%s: %v", name, got)
		}
	}
	swapped := filepath.Join(dir, "swapped")
	if err := errors.Join(os.Remove(swapped), syscall.Mkfifo(swapped, 0o600)); err != nil {
		t.Fatal(err)
	}
	stats, err := bundle.Write(t.Context(), &strings.Builder{}, l, bundle.Options{})
	if err != nil || len(stats.Dropped) != 1 || stats.Dropped[0].Name != "swapped" || stats.Files != 2 {
		t.Errorf("a pipe in place of a file: %+v, %v", stats, err)
	}
}

func TestOddNames(t *testing.T) {
	t.Parallel()
	odd := []string{"a\\b", "new\nline", "c:\\x", "..x", "-rf", " ", "\u202e", "e\u0301", strings.Repeat("n", 255)}
	dir := project(t, names(odd...))
	files := unzip(t, pack(t, plan(t, dir, bundle.Rules{}), bundle.Options{}))
	for _, name := range odd {
		if files[name].content != "x" {
			t.Errorf("%q is missing", name)
		}
	}
	if runtime.GOOS != "linux" {
		return // other file systems refuse such a name
	}
	put(t, filepath.Join(dir, "sub", "caf\xe9.txt"), "x")
	put(t, filepath.Join(dir, "skipped\xff", "x"), "x")
	rules := bundle.Rules{Ignore: []string{"skipped\xff"}}
	_, err := bundle.Plan(t.Context(), dir, rules)
	var name *bundle.NameError
	if !errors.As(err, &name) || len(name.Names) != 1 || !strings.Contains(err.Error(), `"sub/caf\xe9.txt"`) {
		t.Errorf("not UTF-8: %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	if os.Getuid() == 0 {
		t.Log("root reads everything: only the names are checked")
		return
	}
	dir := project(t, names("app.py", "secret/x", "data/y"))
	for _, path := range []string{"secret", "data/y"} {
		if err := os.Chmod(filepath.Join(dir, path), 0); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(filepath.Join(dir, path), 0o755) }()
	}
	if _, err := bundle.Plan(t.Context(), dir, bundle.Rules{}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "secret") {
		t.Errorf("folder: %v", err)
	}
	l := plan(t, dir, bundle.Rules{Ignore: []string{"secret"}})
	if _, err := bundle.Write(t.Context(), &strings.Builder{}, l, bundle.Options{}); !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "data/y") {
		t.Errorf("file: %v", err)
	}
}

// TestBusyProject plans and packs while someone makes, removes and replaces files and folders: nothing of that is an
// error, and what is left alone ships.
func TestBusyProject(t *testing.T) {
	t.Parallel()
	dir := project(t, map[string]string{"app.py": "x", "linked.txt": "", "z/last.py": "x"})
	busy := filepath.Join(dir, "busy")
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			// whatever fails does so because of the step before, and the next round begins anew
			_ = os.MkdirAll(filepath.Join(busy, "sub"), 0o755)
			for _, name := range []string{"a.json", "b.env", "sub/key", "sub/.ploomberignore", "sub/CACHEDIR.TAG"} {
				_ = os.WriteFile(filepath.Join(busy, name), []byte(strings.Repeat("a=1\n", i%50)), 0o644)
			}
			_ = os.Rename(filepath.Join(busy, "a.json"), filepath.Join(busy, "c.json"))
			switch i % 4 {
			case 0:
				_ = os.RemoveAll(busy)
			case 1:
				_ = os.RemoveAll(filepath.Join(busy, "sub"))
				_ = os.WriteFile(filepath.Join(busy, "sub"), []byte("a file now"), 0o644)
			case 2:
				_ = os.Remove(filepath.Join(busy, "c.json"))
				_ = syscall.Mkfifo(filepath.Join(busy, "c.json"), 0o600)
			case 3:
				_ = os.Remove(filepath.Join(busy, "sub/key"))
				_ = os.Symlink("../../linked.txt", filepath.Join(busy, "sub/key")) // which the next round writes to
			}
			_ = os.Remove(filepath.Join(busy, "c.json"))
			_ = os.Remove(filepath.Join(busy, "sub"))
		}
	}()
	defer func() { close(done); <-ended }()
	for i := range 60 {
		l, err := bundle.Plan(t.Context(), dir, bundle.Rules{Search: i%2 == 0, Full: i%3 == 0})
		if err != nil {
			t.Fatal(err)
		}
		archive, err := bundle.Spool(t.Context(), l, t.TempDir(), bundle.Options{})
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive.Open())
		if err != nil {
			t.Fatal(err)
		}
		if files := unzip(t, data); files["app.py"].content != "x" || files["z/last.py"].content != "x" || len(files) != archive.Files {
			t.Errorf("packed %q, %q and %d of %d files", files["app.py"].content, files["z/last.py"].content, len(files), archive.Files)
		}
		if err := archive.Close(); err != nil {
			t.Error(err)
		}
	}
}
