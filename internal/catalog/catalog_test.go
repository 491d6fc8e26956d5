package catalog_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
)

func load(t *testing.T) catalog.Set {
	t.Helper()
	set, err := at(t.TempDir(), &server{body: zipped(t, docs)}, noon).Load(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestFind(t *testing.T) {
	t.Parallel()
	plain := load(t)
	for name, tc := range map[string]struct {
		set                catalog.Set
		framework, example string
		want               error
	}{
		"there":                      {plain, "streamlit", "hello", nil},
		"no such example":            {plain, "dash", "hello", catalog.ErrUnknownExample},
		"no such framework":          {plain, "Streamlit", "hello", catalog.ErrUnknownFramework},
		"not among them":             {plain, "streamlit", "nope", catalog.ErrUnknownExample},
		"nothing":                    {catalog.Set{}, "flask", "basic-app", catalog.ErrUnknownFramework},
		"an invalid name":            {plain, "streamlit", "../dash/board", catalog.ErrUnknownExample},
		"an empty name":              {plain, "streamlit", "", catalog.ErrUnknownExample},
		"a framework that climbs up": {plain, "..", "x", catalog.ErrUnknownFramework},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := tc.set.Find(tc.framework, tc.example)
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if err == nil && (e.Framework != tc.framework || e.Name != tc.example) {
				t.Errorf("found %s/%s", e.Framework, e.Name)
			}
		})
	}
}

func TestCopyTo(t *testing.T) {
	t.Parallel()
	e, err := load(t).Find("streamlit", "charts")
	if err != nil {
		t.Fatal(err)
	}
	for name, dest := range map[string]string{"beside": "charts", "deep": "x/y/z", "trailing slashes": "trail//", "dots": "./a/../b"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := e.CopyTo(t.Context(), dir+"/"+dest); err != nil {
				t.Fatal(err)
			}
			at := filepath.ToSlash(filepath.Clean(dest))
			want := map[string]string{at + "/app.py": "import streamlit\n", at + "/assets/logo.svg": "<svg/>"}
			if got := tree(t, dir); !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestCopyToLeavesWhatIsThere(t *testing.T) {
	t.Parallel()
	e, err := load(t).Find("streamlit", "charts")
	if err != nil {
		t.Fatal(err)
	}
	for name, prepare := range map[string]func(t *testing.T, dest string){
		"folder":        func(t *testing.T, dest string) { put(t, filepath.Join(dest, "mine.txt"), "mine") },
		"empty folder":  func(t *testing.T, dest string) { check(t, os.MkdirAll(dest, 0o755)) },
		"file":          func(t *testing.T, dest string) { put(t, dest, "mine") },
		"dangling link": func(t *testing.T, dest string) { check(t, os.Symlink("nowhere", dest)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			dest := filepath.Join(dir, "charts")
			prepare(t, dest)
			if err := e.CopyTo(t.Context(), dest); !errors.Is(err, catalog.ErrExists) || !strings.Contains(err.Error(), dest) {
				t.Errorf("error %v", err)
			}
			if _, err := os.Stat(filepath.Join(dest, "app.py")); err == nil {
				t.Error("copied all the same")
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("left %v", entries)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCopyToInterruptedLeavesNothing(t *testing.T) {
	t.Parallel()
	e, err := load(t).Find("streamlit", "charts")
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	if err := e.CopyTo(ctx, filepath.Join(dir, "x", "y")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left %v", entries)
	}
	put(t, filepath.Join(dir, "file"), "mine")
	if err := e.CopyTo(t.Context(), filepath.Join(dir, "file", "x")); err == nil {
		t.Error("copied below a file")
	}
}
