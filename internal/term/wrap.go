package term

import (
	"strings"
	"unicode/utf8"
)

// Wrap wraps the lines of text at width columns. Continuation lines are indented by hanging spaces plus the
// indentation of their line. A word longer than a line, such as a URL, is not broken, nor is a line that moves the
// cursor. A width below 1 returns text unchanged.
func Wrap(text string, width, hanging int) string {
	if width < 1 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = wrapLine(l, width, hanging)
	}
	return strings.Join(lines, "\n")
}

func wrapLine(line string, width, hanging int) string {
	if columns(line) <= width || strings.ContainsRune(line, '\r') {
		return line
	}
	words := strings.TrimLeft(line, " ")
	margin := len(line) - len(words)
	indent := margin + hanging
	if indent > width/2 { // no space left for words
		indent = min(margin, width/2)
	}
	var b strings.Builder
	b.WriteString(line[:margin])
	at, first := margin, true
	for words != "" {
		word, rest, _ := strings.Cut(words, " ")
		gap := 1
		for strings.HasPrefix(rest, " ") { // columns of a table keep their distance if they fit
			rest = rest[1:]
			gap++
		}
		n := columns(word)
		if !first && at+n > width {
			trimmed := strings.TrimRight(b.String(), " ")
			b.Reset()
			b.WriteString(trimmed + "\n" + strings.Repeat(" ", indent))
			at = indent
		}
		b.WriteString(word)
		at, first = at+n, false
		if rest != "" {
			b.WriteString(strings.Repeat(" ", gap))
			at += gap
		}
		words = rest
	}
	return b.String()
}

// columns is the width of text on a terminal: its characters, without colour sequences.
func columns(text string) int {
	n := 0
	for text != "" {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })
			if end < 0 {
				return n
			}
			text = rest[end+1:]
			continue
		}
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		n++
	}
	return n
}

// Wrapped wraps text for the stream's terminal. Without a terminal it is unchanged, since programs that read a
// pipe or a file expect whole lines.
func (s *Stream) Wrapped(text string, hanging int) string {
	if !s.tty {
		return text
	}
	return Wrap(text, s.Width(), hanging)
}
