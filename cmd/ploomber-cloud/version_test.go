package main_test

import (
	"strings"
	"testing"
)

// However the program is asked for its version, it gives the same.
func TestVersionsAgree(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	version := func(args ...string) string {
		t.Helper()
		_, stdout, _ := p.run(t, "", args...)
		for line := range strings.Lines(stdout) {
			if _, after, found := strings.Cut(line, "ploomber-cloud "); found {
				return strings.TrimPrefix(strings.TrimSpace(after), "version ")
			}
		}
		t.Errorf("%v tells no version: %q", args, stdout)
		return ""
	}
	want := version("version")
	for _, args := range [][]string{{"--version"}, {"doctor", "--offline"}} {
		if got := version(args...); got != want {
			t.Errorf("%v: %q, but 'version' says %q", args, got, want)
		}
	}
}
