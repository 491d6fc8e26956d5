package main_test

import (
	"strings"
	"testing"
)

// TestHelpBeginsWithExamples asks every command, and those below it, for its help: without a key and a network.
func TestHelpBeginsWithExamples(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	p.environ = append(p.environ, "PLOOMBER_CLOUD_KEY=", "PLOOMBER_CLOUD_API_URL=http://127.0.0.1:1")
	var visit func(path []string) int
	visit = func(path []string) (n int) {
		exit, stdout, stderr := p.run(t, "", append(path, "--help")...)
		if exit != 0 || stderr != "" || !strings.HasPrefix(stdout, "Examples:\n  ") ||
			!strings.Contains(strings.SplitN(stdout, "\n\n", 2)[0], "ploomber-cloud") {
			t.Errorf("%q: status %d, stderr %q, help begins with %.40q", path, exit, stderr, stdout)
		}
		_, below, _ := p.run(t, "", append([]string{"__complete"}, append(path, "")...)...)
		for line := range strings.Lines(below) {
			name, about, described := strings.Cut(strings.TrimSpace(line), "\t")
			if described && about != "" && name != "help" && len(path) < 2 && strings.Contains(stdout, "\n  "+name+" ") {
				n += 1 + visit(append(path[:len(path):len(path)], name))
			}
		}
		return n
	}
	if n := visit(nil); n < 15 {
		t.Errorf("%d commands were found", n)
	}
	if asked := p.cloud.Seen(); len(asked) > 0 {
		t.Errorf("help made %d requests", len(asked))
	}
}
