package pysource

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind byte

const (
	word    kind = iota // a name or keyword
	literal             // a string; text is what is between its quotes
	number
	operator // one character, but for the arrow and what ends in =
	end      // of a logical line
)

type token struct {
	kind   kind
	text   string
	line   int  // counted from 1
	indent int  // columns before the first token of a logical line; of that token only
	plain  bool // a string whose text is its value
}

// is reports whether t is the word or operator text.
func (t token) is(text string) bool {
	return (t.kind == word || t.kind == operator) && t.text == text
}

// lexer cuts source into tokens. Source that Python would refuse gives tokens all the same.
type lexer struct {
	src    []byte
	at     int
	line   int
	depth  int // of brackets
	tokens []token
	indent int
	fresh  bool // no token of this logical line yet
}

func lex(src []byte) []token {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	l := &lexer{src: src, line: 1, fresh: true}
	for l.at < len(l.src) {
		l.next()
	}
	l.endLine()
	return l.tokens
}

func (l *lexer) next() {
	c := l.src[l.at]
	switch {
	case c == '\n' || c == '\r':
		if c == '\r' && l.peek(1) == '\n' {
			l.at++
		}
		l.at++
		if l.depth == 0 {
			l.endLine()
		}
		l.line++
		return
	case c == ' ':
		l.column(1)
	case c == '\t':
		l.column(8 - l.indent%8)
	case c == '\f':
		if l.fresh {
			l.indent = 0
		}
	case c == '#':
		for l.at < len(l.src) && l.src[l.at] != '\n' && l.src[l.at] != '\r' {
			l.at++
		}
		return
	case c == '\\' && (l.peek(1) == '\n' || l.peek(1) == '\r'):
		if l.peek(1) == '\r' && l.peek(2) == '\n' {
			l.at++
		}
		l.at++
		l.line++
	case c == '"' || c == '\'':
		l.str("")
		return
	case c >= '0' && c <= '9':
		start := l.at
		for l.at < len(l.src) && (isWord(rune(l.src[l.at])) || l.src[l.at] == '.') {
			l.at++
		}
		l.add(number, string(l.src[start:l.at]), l.line)
		return
	case isWord(rune(c)) || c >= utf8.RuneSelf:
		l.name()
		return
	default:
		l.op(c)
		return
	}
	l.at++
}

func (l *lexer) column(n int) {
	if l.fresh && l.depth == 0 {
		l.indent += n
	}
}

func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.src) {
		return l.src[l.at+n]
	}
	return 0
}

func (l *lexer) add(k kind, text string, line int) {
	t := token{kind: k, text: text, line: line}
	if l.fresh {
		t.indent = l.indent
	}
	l.fresh = false
	l.tokens = append(l.tokens, t)
}

func (l *lexer) endLine() {
	if !l.fresh {
		l.tokens = append(l.tokens, token{kind: end, line: l.line})
	}
	l.fresh, l.indent = true, 0
}

func (l *lexer) name() {
	start := l.at
	for l.at < len(l.src) {
		r, size := utf8.DecodeRune(l.src[l.at:])
		if !isWord(r) && (r < utf8.RuneSelf || unicode.IsSpace(r)) {
			break
		}
		l.at += size
	}
	if l.at == start { // a space that is not ASCII
		_, size := utf8.DecodeRune(l.src[l.at:])
		l.at += size
		return
	}
	text := string(l.src[start:l.at])
	if q := l.peek(0); (q == '"' || q == '\'') && len(text) <= 2 && strings.Trim(strings.ToLower(text), "rbuft") == "" {
		l.str(strings.ToLower(text))
		return
	}
	l.add(word, text, l.line)
}

func (l *lexer) op(c byte) {
	text := string(rune(c))
	l.at++
	switch c {
	case '(', '[', '{':
		l.depth++
	case ')', ']', '}':
		l.depth = max(0, l.depth-1)
	case '=', '!', '<', '>', ':', '+', '-', '*', '/', '%', '&', '|', '^', '@':
		if l.at < len(l.src) && (l.src[l.at] == '=' || c == '-' && l.src[l.at] == '>') {
			text += string(rune(l.src[l.at]))
			l.at++
		}
	}
	l.add(operator, text, l.line)
}

// str reads a string whose prefix, in lower case, has been read.
func (l *lexer) str(prefix string) {
	line := l.line
	open := l.quotes()
	start := l.at
	l.within(open, strings.ContainsAny(prefix, "ft"), 0)
	text := string(l.src[start:l.at])
	l.skip(open)
	l.add(literal, text, line)
	l.tokens[len(l.tokens)-1].plain = !strings.Contains(text, `\`) && !strings.ContainsAny(prefix, "bft")
}

// quotes reads the one or three quotes that open a string.
func (l *lexer) quotes() []byte {
	n := 1
	if c := l.src[l.at]; l.peek(1) == c && l.peek(2) == c {
		n = 3
	}
	l.at += n
	return l.src[l.at-n : l.at]
}

func (l *lexer) skip(text []byte) {
	if bytes.HasPrefix(l.src[l.at:], text) {
		l.at += len(text)
	}
}

// maxNested is how deep strings may hold strings; what is deeper is read as text.
const maxNested = 16

// within moves to the quotes that end a string, or where they are missing to the end of its line or the source.
// A formatted string may hold expressions with strings of their own.
func (l *lexer) within(open []byte, formatted bool, nested int) {
	braces := 0
	for l.at < len(l.src) {
		c := l.src[l.at]
		switch {
		case c == '\\' && braces == 0:
			if l.peek(1) == '\n' {
				l.line++
			}
			l.at = min(len(l.src), l.at+2)
			continue
		case c == '\n' || c == '\r':
			if len(open) == 1 && (!formatted || braces == 0) {
				return
			}
			if c == '\n' {
				l.line++
			}
		case formatted && c == '{' && braces == 0 && l.peek(1) == '{':
			l.at++
		case formatted && c == '{':
			braces++
		case formatted && c == '}':
			braces = max(0, braces-1)
		case braces > 0 && (c == '"' || c == '\'') && nested < maxNested:
			inner := l.quotes()
			l.within(inner, true, nested+1)
			l.skip(inner)
			continue
		case bytes.HasPrefix(l.src[l.at:], open):
			return
		}
		l.at++
	}
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
