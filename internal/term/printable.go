package term

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
// which can rewrite earlier output, and without control characters except line break and tab.
func Plain(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == '\x1b':
			n = escape(text[i:])
		case r == utf8.RuneError && n == 1: // not a character
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			b.WriteString(text[i : i+n])
		}
		i += n
	}
	return b.String()
}

// escape returns the length of the escape sequence at the beginning of text (ECMA-48): a control sequence ends
// with a letter or one of @[\]^_`{|}~; any other sequence is taken to be two bytes, and its rest is text.
func escape(text string) int {
	if len(text) < 2 || text[1] != '[' {
		return min(2, len(text))
	}
	for i := 2; i < len(text); i++ {
		if text[i] >= 0x40 && text[i] <= 0x7e {
			return i + 1
		}
		if text[i] < 0x20 || text[i] > 0x7e {
			return i // incomplete
		}
	}
	return len(text)
}
