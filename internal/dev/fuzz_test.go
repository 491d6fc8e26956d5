package main

import (
	"path/filepath"
	"testing"
)

func TestGaveUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		printed string
		want    bool
	}{
		"time ran out":     {"fuzz: elapsed: 5s\n--- FAIL: FuzzX (5.38s)\n    context deadline exceeded\nFAIL\n", true},
		"hung":             {"--- FAIL: FuzzX (11s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\n    Failing input written to testdata/fuzz/FuzzX/1\n", true},
		"hung, minimizing": {"--- FAIL: FuzzX (11s)\n    fuzzing process hung or terminated unexpectedly while minimizing: EOF\n", true},
		"killed":           {"--- FAIL: FuzzX\n    fuzzing process terminated by unexpected signal; no crash will be recorded: signal: killed\n", true},
		"silent":           {"--- FAIL: FuzzX\n    communicating with fuzzing process: EOF\n", true},
		"input": {"--- FAIL: FuzzX (0.1s)\n    --- FAIL: FuzzX\n        x_test.go:1: context deadline exceeded\n    " +
			"Failing input written to testdata/fuzz/FuzzX/1\n", false},
		"input that says so": {"--- FAIL: FuzzX\n    --- FAIL: FuzzX\n        fuzzing process hung or terminated unexpectedly\n", false},
		"no build":           {"# pkg\nx.go:1: undefined: y\nFAIL\tpkg [build failed]\n", false},
	} {
		if got := gaveUp(tc.printed); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestFuzzFinds has the fuzz engine itself find an input.
func TestFuzzFinds(t *testing.T) {
	t.Parallel()
	w := &workspace{root: t.TempDir(), cache: t.TempDir(), out: t.Output()}
	put(t, w, map[string]string{
		"go.mod":      "module example.test/fuzzed\n",
		"a/a_test.go": "package a\n\nimport \"testing\"\n\nfunc FuzzX(f *testing.F) { f.Fuzz(func(t *testing.T, s string) { if s != \"\" { t.Error(s) } }) }\n",
	})
	if err := w.fuzz(t.Context(), nil, "10000x"); err == nil {
		t.Error("no error, want one for an input that is not empty")
	}
	kept, err := names(filepath.Join(w.root, "a", "testdata", "fuzz", "FuzzX"))
	if err != nil || len(kept) != 1 {
		t.Errorf("kept %q, %v; want the input", kept, err)
	}
}
