package catalog

import (
	"strings"
	"testing"
)

func TestParseReadme(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, title, description string }{
		"usual":                {"# Hello app\n\nA first app\nin two lines.\n\nMore text.\n", "Hello app", "A first appin two lines."},
		"no empty line":        {"## Board\nShows a board.\n", "Board", "Shows a board."},
		"Windows line ends":    {"# A\r\n\r\nb\r\nc\r\n\r\nd\r\n", "A", "bc"},
		"byte order mark":      {"\ufeff# A\n\nb", "A", "b"},
		"text before":          {"![logo](x.png)\n\n# A\n\nb\n", "A", "b"},
		"no heading":           {"just text\n", "", ""},
		"only a heading":       {"# A", "A", ""},
		"heading after it":     {"# A\n\n## B\n\nc\n", "A", "c"},
		"paragraph cut by one": {"# A\nb\n## C\nd\n", "A", "b"},
		"closing marks":        {"## A ##\n\nb\n", "A", "b"},
		"blanks are empty":     {"# A\n \t\nb\n \nc\n", "A", "b"},
		"a mark in the title":  {"# C# app\n", "C# app", ""},
		"no blank after marks": {"#A\n", "A", ""},
		"empty":                {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if title, description := parseReadme(tc.text); title != tc.title || description != tc.description {
				t.Errorf("%q, %q; want %q, %q", title, description, tc.title, tc.description)
			}
		})
	}
}

// FuzzParseReadme: both are one line that is in the text.
func FuzzParseReadme(f *testing.F) {
	f.Add("# Hello app\n\nA first app\nin two lines.\n\nMore text.\n")
	f.Add("\ufeff## A ##\r\n\r\nb")
	f.Fuzz(func(t *testing.T, text string) {
		title, description := parseReadme(text)
		if strings.Contains(title, "\n") || strings.Contains(description, "\n") {
			t.Errorf("%q, %q have line ends", title, description)
		}
		if !strings.Contains(text, title) || len(description) > len(text) {
			t.Errorf("%q, %q are not in the text", title, description)
		}
		if title == "" && description != "" {
			t.Errorf("%q describes nothing", description)
		}
	})
}
