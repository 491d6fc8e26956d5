//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFuzzOne has a test binary of its own, which fails as the engine does, and as a target does.
func TestFuzzOne(t *testing.T) {
	for name, tc := range map[string]struct {
		fuzzing string // what the engine says and does before it fails
		plain   string // exit status of the target as a plain test
		fails   bool
		kept    string // in the folder of inputs
	}{
		"finding":           {"echo '    --- FAIL: FuzzX'; echo bad >$kept/new", "1", true, "new old"},
		"lost with a crash": {"echo '    context deadline exceeded'; echo bad >$kept/new", "1", true, "new old"},
		"slow machine":      {"echo '    fuzzing process hung or terminated unexpectedly: exit status 2'; echo good >$kept/new", "0", false, "old"},
		"real hang":         {"echo '    fuzzing process hung or terminated unexpectedly: exit status 2'; echo bad >$kept/new", "2", true, "new old"},
	} {
		t.Run(name, func(t *testing.T) {
			root, binary := t.TempDir(), filepath.Join(t.TempDir(), "pkg.test")
			kept := filepath.Join(root, "pkg", "testdata", "fuzz", "FuzzX")
			if err := os.MkdirAll(kept, 0o755); err != nil {
				t.Fatal(err)
			}
			script := "#!/bin/sh\nkept=testdata/fuzz/FuzzX\ncase \"$*\" in\n*-test.fuzz=*) " + tc.fuzzing + "; exit 1;;\n*) exit " + tc.plain + ";;\nesac\n"
			for path, text := range map[string]string{filepath.Join(kept, "old"): "x", binary: script} {
				if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			w := &workspace{root: root, out: io.Discard}
			if err := w.fuzzOne(t.Context(), nil, "1s", "FuzzX", "./pkg", binary); (err != nil) != tc.fails {
				t.Errorf("error %v, want one: %v", err, tc.fails)
			}
			if left, err := names(kept); err != nil || strings.Join(left, " ") != tc.kept {
				t.Errorf("kept %q, %v; want %s", left, err, tc.kept)
			}
		})
	}
}
