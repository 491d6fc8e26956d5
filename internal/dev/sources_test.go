package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTestFunctions(t *testing.T) {
	t.Parallel()
	w := &workspace{root: t.TempDir()}
	put(t, w, map[string]string{
		"internal/a/a_test.go":          "package a\nfunc FuzzTwo(f *testing.F) {}\nfunc FuzzOne(f *testing.F) {}\nfunc TestX(t *testing.T) {}\n",
		"internal/a/more_test.go":       "package a_test\nfunc FuzzThree(f *testing.F) {}\n",
		"internal/a/a.go":               "package a\nfunc FuzzNot() {}\n",
		"internal/b/b_test.go":          "package b\ntype s struct{}\nfunc (s) FuzzMethod() {}\n",
		"internal/a/testdata/x_test.go": "package x\nfunc FuzzData(f *testing.F) {}\n",
		"_try/x_test.go":                "package x\nfunc FuzzTry(f *testing.F) {}\n",
	})
	got, err := w.testFunctions("Fuzz")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].dir != "./internal/a" || !slices.Equal(got[0].funcs, []string{"FuzzOne", "FuzzThree", "FuzzTwo"}) {
		t.Errorf("found %+v", got)
	}
}

func TestModules(t *testing.T) {
	t.Parallel()
	w := &workspace{root: t.TempDir()}
	put(t, w, map[string]string{
		"go.mod": "module a\n", "internal/dev/x/go.mod": "module a/internal/dev/x\n", "testdata/go.mod": "module t\n", "a.go": "package a\n",
	})
	got, err := w.modules()
	if want := []string{".", "internal/dev/x"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("modules %q, %v; want %q", got, err, want)
	}
}

func TestCheckFormat(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, wrong string }{
		"formatted": {text: "package a\n\nvar x = 1\n"},
		"not":       {text: "package a\nvar x=1\n", wrong: "gofmt -w a.go"},
		"not Go":    {text: "package\n", wrong: "a.go: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &workspace{root: t.TempDir(), out: t.Output()}
			put(t, w, map[string]string{"a.go": tc.text})
			err := w.checkFormat()
			if (err != nil) != (tc.wrong != "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("error %v, want %q", err, tc.wrong)
			}
		})
	}
}

func TestReplaceBetweenMarks(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("above\n<!-- a -->\nold\n<!-- /a -->\nbelow\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := replaceBetweenMarks(page, "a", "new\n"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if want := "above\n<!-- a -->\nnew\n<!-- /a -->\nbelow\n"; string(got) != want {
		t.Errorf("page is %q, want %q", got, want)
	}
	if err := replaceBetweenMarks(page, "b", "new\n"); err == nil {
		t.Error("a page without the marks was accepted")
	}
}

func put(t *testing.T, w *workspace, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(w.root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
