package term

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text           string
		width, hanging int
		want           string
	}{
		"short":             {"one two", 40, 2, "one two"},
		"exact":             {"one two", 7, 0, "one two"},
		"between words":     {"one two three", 8, 0, "one two\nthree"},
		"hanging":           {"one two three", 8, 2, "one two\n  three"},
		"indented":          {"  one two three", 10, 0, "  one two\n  three"},
		"several lines":     {"one two\nthree four", 6, 0, "one\ntwo\nthree\nfour"},
		"long word":         {"see https://example.com/a/long/path now", 12, 0, "see\nhttps://example.com/a/long/path\nnow"},
		"colour":            {"\x1b[33mWarning:\x1b[0m the app", 16, 0, "\x1b[33mWarning:\x1b[0m the app"},
		"letters, no bytes": {"äöü äöü", 7, 0, "äöü äöü"},
		"columns":           {"up        Run the app", 18, 4, "up        Run the\n    app"},
		"too narrow":        {"              a b c", 4, 8, "              a\n  b\n  c"},
		"cursor":            {"\r\x1b[Kone two three", 4, 0, "\r\x1b[Kone two three"},
		"no width":          {"one two", 0, 0, "one two"},
		"empty":             {"", 10, 4, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Wrap(tc.text, tc.width, tc.hanging); got != tc.want {
				t.Errorf("got\n%q, want\n%q", got, tc.want)
			}
		})
	}
}

// No word is broken or lost, and a line is too long only where it is one word.
func TestWrapKeepsWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ \na-fäö:/]{0,200}`).Draw(t, "text")
		width, hanging := rapid.IntRange(1, 60).Draw(t, "width"), rapid.IntRange(0, 20).Draw(t, "hanging")
		got := Wrap(text, width, hanging)
		if a, b := strings.Join(strings.Fields(text), " "), strings.Join(strings.Fields(got), " "); a != b {
			t.Fatalf("words changed: %q, was %q", b, a)
		}
		for l := range strings.SplitSeq(got, "\n") {
			if columns(strings.TrimRightFunc(l, unicode.IsSpace)) > width && len(strings.Fields(l)) > 1 {
				t.Fatalf("%q is longer than %d", l, width)
			}
		}
	})
}

func TestMessagesFitTheTerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := NewStream(&b)
	s.Fail(1, "no app found in this folder", "name it with --entry")
	if got, want := b.String(), "Error: no app found in this folder\nHint: name it with --entry\n"; got != want {
		t.Errorf("a pipe got %q, want %q", got, want)
	}
	b.Reset()
	s.tty, s.width = true, func() int { return 20 }
	s.Fail(1, "no app found in this folder", "name it with --entry")
	s.Warn("the app is open to all")
	s.Note("it is served at http://127.0.0.1:8080")
	want := "Error: no app found\n  in this folder\nHint: name it with\n  --entry\nWarning: the app is\n  open to all\nit is served at\nhttp://127.0.0.1:8080\n"
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
