package fsx_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
)

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return strings.Join(out, " ")
}

func TestReplaceMakesAndReplaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env, config := filepath.Join(dir, ".env"), filepath.Join(dir, "c.json")
	if err := os.WriteFile(config, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	err := fsx.Replace(
		fsx.File{Path: env, Data: []byte("A=1\n"), Mode: fsx.Private},
		fsx.File{Path: config, Data: []byte("new"), Mode: fsx.Public},
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, env) + read(t, config); got != "A=1\nnew" {
		t.Errorf("content %q", got)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{env: 0o600, config: 0o640} {
			if info, _ := os.Stat(path); info.Mode() != want {
				t.Errorf("%s: mode %v, want %v", path, info.Mode(), want)
			}
		}
	}
	if got := names(t, dir); got != ".env c.json" {
		t.Errorf("folder holds %s", got)
	}
}

func TestReplaceTightens(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // modes mean nothing there
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fsx.Replace(fsx.File{Path: path, Mode: fsx.Private, Tighten: true}); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestReplaceFollowsLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(real, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	if err := fsx.Replace(fsx.File{Path: link, Data: []byte("new"), Mode: fsx.Private}); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Lstat(link); info.Mode()&fs.ModeSymlink == 0 || read(t, real) != "new" {
		t.Errorf("link became %v, its target holds %q", info.Mode(), read(t, real))
	}
}

func TestReplaceChangesNothingOnError(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(dir string) string{
		"folder":        func(dir string) string { return dir },
		"missing place": func(dir string) string { return filepath.Join(dir, "no", "such", "file") },
		"dangling link": func(dir string) string {
			path := filepath.Join(dir, "dangling")
			_ = os.Symlink("gone", path)
			return path
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			first, second := filepath.Join(dir, "first"), broken(t.TempDir())
			if err := os.WriteFile(first, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := fsx.Replace(
				fsx.File{Path: first, Data: []byte("new"), Mode: fsx.Private},
				fsx.File{Path: second, Data: []byte("x"), Mode: fsx.Private},
			)
			if err == nil || !strings.Contains(err.Error(), second) {
				t.Errorf("error %v does not name %s", err, second)
			}
			if got := read(t, first); got != "old" || names(t, dir) != "first" {
				t.Errorf("first holds %q, folder %s", got, names(t, dir))
			}
		})
	}
}

func TestReplaceKeepsCause(t *testing.T) {
	t.Parallel()
	err := fsx.Replace(fsx.File{Path: filepath.Join(t.TempDir(), "no", "file"), Mode: fsx.Public})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not wrap fs.ErrNotExist", err)
	}
}

func TestCheckLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := fsx.Check(filepath.Join(dir, "new")); err != nil || names(t, dir) != "" {
		t.Errorf("%v, folder holds %q", err, names(t, dir))
	}
	if err := fsx.Check(filepath.Join(dir, "no", "new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
}
