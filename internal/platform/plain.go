package platform

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PlainLine returns a line of a program's output as plain text that does nothing to a terminal, a web page's layout or
// a reader that splits lines: escape sequences (ECMA-48), control characters other than the tab and characters that
// change the direction of text are removed, and invalid UTF-8 is replaced. Of a line that was overwritten by carriage
// returns, as progress bars do, the last state remains.
func PlainLine(line string) string {
	if isPlain(line) {
		return line
	}
	line = strings.TrimRight(line, "\r\n")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	var b strings.Builder
	b.Grow(len(line))
	for len(line) > 0 {
		if n := escapeSequence(line); n > 0 {
			line = line[n:]
			continue
		}
		r, size := utf8.DecodeRuneInString(line)
		line = line[size:]
		switch {
		case r == '\u2028' || r == '\u2029': // separate lines for some readers
			b.WriteByte(' ')
		case r == '\t' || !unicode.IsControl(r) && !unicode.Is(unicode.Bidi_Control, r):
			b.WriteRune(r) // invalid bytes as U+FFFD
		}
	}
	return b.String()
}

// isPlain reports whether s is printable ASCII and tabs only, as most lines are.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// escapeSequence returns the length of the escape sequence that s begins with, 0 if it begins with none. Of one without
// an end only the introducer counts.
func escapeSequence(s string) int {
	if len(s) < 2 || s[0] != 0x1b {
		return 0
	}
	switch s[1] {
	case '[': // control sequence: parameters, then a final byte
		for i := 2; i < len(s); i++ {
			if c := s[i]; c >= 0x40 && c <= 0x7e {
				return i + 1
			} else if c < 0x20 || c > 0x7e {
				break
			}
		}
	case ']', 'P', 'X', '^', '_': // strings, such as the title of the window, end with BEL or ESC \
		for i := 2; i < len(s); i++ {
			if s[i] == 0x07 {
				return i + 1
			}
			if s[i] == 0x1b && i+1 < len(s) && s[i+1] == '\\' {
				return i + 2
			}
		}
	default:
		for i := 1; i < len(s); i++ { // intermediate bytes, then a final byte
			if c := s[i]; c >= 0x30 && c <= 0x7e {
				return i + 1
			} else if c < 0x20 || c > 0x7e {
				return i
			}
		}
	}
	return 2
}
