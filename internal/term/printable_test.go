package term_test

import (
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/term"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":               "",
		"plain text, ü":  "plain text, ü",
		"\x1b[2Jcleared": `"\x1b[2Jcleared"`,
		"two\nlines":     `"two\nlines"`,
		`a "quote"`:      `"a \"quote\""`,
		"\xff":           `"\xff"`,
		"\u202egnp.exe":  `"\u202egnp.exe"`,
	} {
		if got := term.Printable(text); got != want {
			t.Errorf("Printable(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a\n\tb é":              "a\n\tb é",
		"\x1b[31mred\x1b[0m":    "red",
		"\x1b[2J\x1b[1;1Hgone":  "gone",
		"\x1b]0;title\x07text":  "text",
		"over\rwritten\x08\x00": "overwritten",
		"\x1b[":                 "",
		"\x1b":                  "",
		"\x1b[3\nnext":          "\nnext",
		"a\u202eb\u009b31m":     "ab",
		"a\xff\xfeb":            "ab",
	} {
		if got := term.Plain(text); got != want {
			t.Errorf("Plain(%q) = %q, want %q", text, got, want)
		}
	}
}
