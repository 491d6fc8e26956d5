package term

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/ploomber/ploomber-cloud/pkg/controls"
)

// Printable returns text that is safe to print on a terminal: quoted if it contains a character with an effect
// there, such as moving the cursor.
func Printable(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// Plain returns external text of several lines that is safe to print on a terminal: without escape sequences,
// which can rewrite earlier output, and without anything else that cannot be printed except line break and tab.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, controls.Strip(text))
}
