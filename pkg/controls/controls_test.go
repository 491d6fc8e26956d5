package controls_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/controls"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"plain":                 {"Größe: 5 €\n\tok\u00a0\u3000x", "Größe: 5 €\n\tok\u00a0\u3000x"},
		"colour":                {"\x1b[1;31mred\x1b[0m", "red"},
		"clear the screen":      {"a\x1b[2Jb", "ab"},
		"private mode":          {"\x1b[?1049hfull screen", "full screen"},
		"title":                 {"\x1b]0;owned\aafter", "after"},
		"title, other end":      {"\x1b]0;owned\x1b\\after", "after"},
		"link":                  {"\x1b]8;;http://evil.example\x1b\\text\x1b]8;;\x1b\\", "text"},
		"device control":        {"\x1bPq#0\x1b\\after", "after"},
		"title without an end":  {"\x1b]0;owned\nafter", "0;owned\nafter"},
		"title, then a colour":  {"\x1b]0;owned\x1b[31mred", "0;ownedred"},
		"charset":               {"\x1b(0lqk", "lqk"},
		"reset":                 {"\x1bcgone", "gone"},
		"one-character form":    {"\u009b31mred", "red"},
		"one-character title":   {"\u009d0;owned\u009cafter", "after"},
		"one-character others":  {"a\u0085b\u008dc", "abc"},
		"raw eight-bit form":    {"\x9b31mred", "31mred"},
		"cut off":               {"end\x1b[31", "end"},
		"cut off at once":       {"end\x1b", "end"},
		"broken":                {"\x1b[31\nnext", "\nnext"},
		"nested":                {"\x1b\x1b[31mred", "red"},
		"backspace and bell":    {"ab\b\bcd\a\x7f", "abcd"},
		"carriage return":       {"100%\rdone\r\n", "100%done\n"},
		"no UTF-8":              {"a\xffb", "ab"},
		"replacement character": {"a\ufffdb\x00", "a\ufffdb"},
		"zero":                  {"a\x00b", "ab"},
	} {
		if got := controls.Strip(tc.text); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

// FuzzStrip: nothing with an effect is left, nothing is added, and text that is harmless stays.
func FuzzStrip(f *testing.F) {
	for _, s := range []string{"", "a\x1b[31mb", "\x1b]0;x\a", "\u009b2J", "\x1b", "ü\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := controls.Strip(s)
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }) || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", s, got)
		}
		if again := controls.Strip(got); again != got {
			t.Errorf("%q becomes %q, then %q", s, got, again)
		}
		if len(got) > len(s) || strings.Count(got, "\n") > strings.Count(s, "\n") {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}
