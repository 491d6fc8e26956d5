// Package controls removes what has an effect on a terminal from text that others have written: escape sequences, which
// can rewrite earlier output or what the user types next, and control characters.
package controls

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	esc = '\x1b'
	bel = '\a'
	csi = '\u009b' // the one-character forms of ESC [ and of the strings below
	dcs = '\u0090'
	sos = '\u0098'
	st  = '\u009c'
	osc = '\u009d'
	pm  = '\u009e'
	apc = '\u009f'
)

// Strip returns text without escape sequences (ECMA-48) and without control characters except line break and tab. Bytes
// that are not UTF-8 are removed too. Everything else stays as it is.
func Strip(text string) string {
	if !strings.ContainsFunc(text, removed) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for text != "" {
		r, n := utf8.DecodeRuneInString(text)
		switch {
		case r == esc || r >= dcs && r <= apc:
			n = sequence(text)
		case !removed(r), r == utf8.RuneError && n > 1:
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return b.String()
}

// removed also holds for the replacement character, which stands for invalid UTF-8, but may be text too.
func removed(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || r == utf8.RuneError
}

// sequence returns the length of the escape sequence at the beginning of text. Of one that does not end in its line only the
// introducer counts, so that it does not hide the rest.
func sequence(text string) int {
	introducer, n := utf8.DecodeRuneInString(text)
	if introducer == esc {
		if len(text) == 1 {
			return 1
		}
		switch text[1] {
		case '[':
			introducer, n = csi, 2
		case ']', 'P', 'X', '^', '_':
			introducer, n = osc, 2
		}
	}
	switch introducer {
	case csi:
		return n + parameters(text[n:])
	case osc, dcs, sos, pm, apc:
		return n + untilTerminator(text[n:])
	case esc:
		return 1 + intermediates(text[1:])
	}
	return n
}

// parameters returns the length of the rest of a control sequence, with its final byte.
func parameters(rest string) int {
	for i := range len(rest) {
		if rest[i] >= 0x40 && rest[i] <= 0x7e {
			return i + 1
		}
		if rest[i] < 0x20 || rest[i] > 0x7e {
			return i
		}
	}
	return len(rest)
}

// intermediates returns the length of the rest of a short sequence such as ESC ( B.
func intermediates(rest string) int {
	i := 0
	for i < len(rest) && rest[i] >= 0x20 && rest[i] <= 0x2f {
		i++
	}
	if i < len(rest) && rest[i] >= 0x30 && rest[i] <= 0x7e {
		return i + 1
	}
	return i
}

// untilTerminator returns the length of a string, such as the title of a window, with its terminator.
func untilTerminator(rest string) int {
	for i, r := range rest {
		switch {
		case r == bel:
			return i + 1
		case r == st:
			return i + utf8.RuneLen(st)
		case r == esc && strings.HasPrefix(rest[i:], "\x1b\\"):
			return i + 2
		case r == '\n', r == esc:
			return 0
		}
	}
	return 0
}
