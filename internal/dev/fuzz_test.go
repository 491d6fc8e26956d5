package main

import "testing"

func TestOutOfTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		printed string
		want    bool
	}{
		"time ran out": {"fuzz: elapsed: 5s\n--- FAIL: FuzzX (5.38s)\n    context deadline exceeded\nFAIL\n", true},
		"input": {"--- FAIL: FuzzX (0.1s)\n    --- FAIL: FuzzX\n    x_test.go:1: context deadline exceeded\n    " +
			"Failing input written to testdata/fuzz/FuzzX/1\n", false},
		"both":     {"--- FAIL: FuzzX\n    context deadline exceeded\n    Failing input written to testdata/fuzz/FuzzX/1\n", false},
		"no build": {"# pkg\nx.go:1: undefined: y\nFAIL\tpkg [build failed]\n", false},
	} {
		if got := outOfTime(tc.printed); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
