package dotenv

import (
	"strings"
	"unicode/utf8"
)

// statement is a key with its value, or a malformed stretch of lines. Comments and blank lines are none.
// Offsets count bytes of the file; a statement always covers whole lines.
type statement struct {
	start, end int // from the start of its first line to behind the line end of its last

	key     string
	null    bool   // there is no "="
	value   string // unescaped, not yet expanded
	problem string // why python-dotenv skips it; "" for a statement it reads

	keyEnd               int  // behind the key and its closing quote
	valueStart, valueEnd int  // the value with its quotes, without white space and comment; unset for null
	unclosed             bool // malformed by a quote that nothing in the rest of the file closes
}

func (s *statement) malformed() bool { return s.problem != "" }

func (s *statement) sets(key string) bool { return s.key == key && !s.malformed() }

// Why a statement is malformed, in words for the user.
const (
	noName        = "no name before '='"
	noExportName  = "no name after 'export'"
	noEqualSign   = "no '=' after the name"
	emptyName     = "the quoted name is empty"
	unclosedName  = "the quoted name is not closed"
	unclosedValue = "the quoted value is not closed"
	textAfter     = "text after the closing quote"
)

// scan finds the statements of text, in one pass: the places at which python-dotenv gives up and starts again
// matter, because they decide how the lines after a malformed one are read.
func scan(text string) []statement {
	list := make([]statement, 0, 1+min(strings.Count(text, "="), countLines(text)))
	sc := scanner{text: text}
	if strings.HasPrefix(text, bom) {
		sc.pos = len(bom)
	}
	for {
		start := sc.pos
		for n := space(text, sc.pos); n > 0; n = space(text, sc.pos) {
			ended := newline(text, sc.pos)
			sc.pos += max(n, ended)
			if ended > 0 {
				start = sc.pos
			}
		}
		if sc.pos == len(text) {
			return list
		}
		s := statement{start: start}
		comment := sc.statement(&s)
		s.end = sc.pos
		if !comment {
			list = append(list, s)
		}
	}
}

type scanner struct {
	text string
	pos  int
}

// statement reads one statement from its first character to the end of its line. It reports whether there was
// only a comment.
func (sc *scanner) statement(s *statement) (comment bool) {
	s.problem = sc.name(s)
	if s.problem == "" && s.key == "" {
		sc.restOfLine()
		return true
	}
	if s.problem == "" {
		sc.blanks()
		s.null = sc.peek() != '='
		if !s.null {
			sc.pos++
			s.problem = sc.assigned(s)
		}
	}
	if s.problem != "" {
		sc.restOfLine()
		return false
	}
	behind := sc.pos
	sc.blanks()
	if c := sc.peek(); c != '#' && c != '\n' && c != '\r' && sc.pos < len(sc.text) {
		s.problem = textAfter
		if s.null {
			s.problem = noEqualSign
		}
		sc.pos = behind
	}
	sc.restOfLine()
	return false
}

// name reads the optional export and the name. A comment leaves the key empty.
func (sc *scanner) name(s *statement) (problem string) {
	exported := false
	if rest := sc.text[sc.pos:]; strings.HasPrefix(rest, "export") && blank(rest, len("export")) > 0 {
		sc.pos += len("export")
		sc.blanks()
		exported = true
	}
	switch sc.peek() {
	case '#':
		return ""
	case '\'':
		length := strings.IndexByte(sc.text[sc.pos+1:], '\'')
		switch {
		case length < 0:
			s.unclosed = true
			return unclosedName
		case length == 0:
			return emptyName
		}
		s.key = universalNewlines(sc.text[sc.pos+1 : sc.pos+1+length])
		sc.pos += length + 2
	default:
		start := sc.pos
		for sc.pos < len(sc.text) && sc.text[sc.pos] != '=' && sc.text[sc.pos] != '#' && space(sc.text, sc.pos) == 0 {
			sc.pos++
		}
		switch {
		case sc.pos > start:
			s.key = sc.text[start:sc.pos]
		case exported:
			return noExportName
		default:
			return noName
		}
	}
	s.keyEnd = sc.pos
	return ""
}

// assigned reads the value behind "=".
func (sc *scanner) assigned(s *statement) (problem string) {
	s.valueStart, s.valueEnd = sc.pos, sc.pos
	sc.blanks()
	switch c := sc.peek(); {
	case sc.pos == len(sc.text), c == '\n', c == '\r':
		return "" // empty
	case c == '#' && sc.pos > s.valueStart:
		return "" // empty, and a comment
	case c == '\'' || c == '"':
		length := closingQuote(sc.text[sc.pos+1:], c)
		if length < 0 {
			s.unclosed = true
			return unclosedValue
		}
		s.valueStart, s.valueEnd = sc.pos, sc.pos+length+2
		s.value = unescape(universalNewlines(sc.text[sc.pos+1:sc.pos+1+length]), c)
		sc.pos = s.valueEnd
	default:
		s.valueStart = sc.pos
		line := sc.text[sc.pos:lineEnd(sc.text, sc.pos)]
		s.value = strings.TrimRightFunc(cutComment(line), isSpace)
		s.valueEnd = s.valueStart + len(s.value)
		sc.pos += len(line)
	}
	return ""
}

// peek returns the next byte, 0 at the end.
func (sc *scanner) peek() byte {
	if sc.pos == len(sc.text) {
		return 0
	}
	return sc.text[sc.pos]
}

// blanks skips white space within the line.
func (sc *scanner) blanks() {
	for n := blank(sc.text, sc.pos); n > 0; n = blank(sc.text, sc.pos) {
		sc.pos += n
	}
}

// restOfLine skips to behind the next line end.
func (sc *scanner) restOfLine() {
	sc.pos = lineEnd(sc.text, sc.pos)
	sc.pos += newline(sc.text, sc.pos)
}

// cutComment returns an unquoted value up to the first "#" that has white space before it.
func cutComment(line string) string {
	for i := 1; i < len(line); i++ {
		if line[i] != '#' {
			continue
		}
		if before, _ := utf8.DecodeLastRuneInString(line[:i]); isSpace(before) {
			return line[:i]
		}
	}
	return line
}

// closingQuote returns where in text the quote is closed, -1 where it is not. A backslash takes the next
// character with it, whatever that is.
func closingQuote(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

// lineEnd returns the offset of the first line end at or behind i, that of the end of text where there is none.
func lineEnd(text string, i int) int {
	for i < len(text) && text[i] != '\n' && text[i] != '\r' {
		i++
	}
	return i
}

// newline returns the length of the line end at text[i:], 0 where there is none.
func newline(text string, i int) int {
	switch {
	case i >= len(text):
		return 0
	case text[i] == '\n':
		return 1
	case text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n':
		return 2
	case text[i] == '\r':
		return 1
	}
	return 0
}

// blank returns the length of the white space character at text[i:] that is not a line end, 0 where there is none.
func blank(text string, i int) int {
	if newline(text, i) > 0 {
		return 0
	}
	return space(text, i)
}

// space returns the length of the white space character at text[i:], 0 where there is none.
func space(text string, i int) int {
	if i >= len(text) {
		return 0
	}
	r, size := rune(text[i]), 1
	if r >= utf8.RuneSelf {
		r, size = utf8.DecodeRuneInString(text[i:])
	}
	if isSpace(r) {
		return size
	}
	return 0
}

// isSpace is str.isspace of Python, which counts the separators U+001C to U+001F that unicode.IsSpace does not.
func isSpace(r rune) bool {
	switch {
	case r <= 0x20:
		return r == ' ' || '\t' <= r && r <= '\r' || 0x1c <= r && r <= 0x1f
	case r < 0x85:
		return false
	}
	return r == 0x85 || r == 0xa0 || r == 0x1680 || 0x2000 <= r && r <= 0x200a ||
		r == 0x2028 || r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000
}
