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
