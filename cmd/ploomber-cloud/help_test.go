package main_test

import (
	"strings"
	"testing"
)

// TestHelpBeginsWithASentence asks every command, and those below it, for its help: without a key and a network.
func TestHelpBeginsWithASentence(t *testing.T) {
	t.Parallel()
	p := newPlace(t, nil)
	p.environ = append(p.environ, "PLOOMBER_CLOUD_KEY=", "PLOOMBER_CLOUD_API_URL=http://127.0.0.1:1")
	var visit func(path []string) int
	visit = func(path []string) (n int) {
		exit, stdout, stderr := p.run(t, "", append(path, "--help")...)
		parts := strings.SplitN(stdout, "\n\n", 3) // a sentence, the examples, the rest
		if exit != 0 || stderr != "" || len(parts) < 3 || !strings.HasSuffix(parts[0], ".") || strings.Contains(parts[0], "\n") ||
			!strings.HasPrefix(parts[1], "Examples:\n  ") || !strings.Contains(parts[1], "ploomber-cloud") {
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
