package dotenv

import "strings"

// universalNewlines turns CRLF and CR into LF, as Python does with a file opened as text.
func universalNewlines(text string) string {
	if strings.IndexByte(text, '\r') < 0 {
		return text
	}
	return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
}

// unescape resolves the escapes that the given quote knows; others keep their backslash.
func unescape(text string, quote byte) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			if c := escaped(text[i+1], quote); c != 0 {
				b.WriteByte(c)
				i++
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// escaped returns what a backslash and c stand for, 0 where that is not an escape.
func escaped(c, quote byte) byte {
	if c == '\\' || c == '\'' {
		return c
	}
	if quote == '\'' {
		return 0
	}
	switch c {
	case '"':
		return '"'
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return 0
}

// expand replaces the references in value. What it puts in is not expanded again.
func expand(value string, lookup Lookup) string {
	ref, ok := nextReference(value, 0)
	if !ok {
		return value
	}
	var b strings.Builder
	done := 0
	for ; ok; ref, ok = nextReference(value, done) {
		b.WriteString(value[done:ref.start])
		if found, set := lookup(ref.name); set {
			b.WriteString(found)
		} else {
			b.WriteString(ref.fallback)
		}
		done = ref.end
	}
	b.WriteString(value[done:])
	return b.String()
}

// reference is ${name} or ${name:-fallback} at value[start:end].
type reference struct {
	start, end     int
	name, fallback string
}

// nextReference finds the first reference at or behind from. A name runs up to ":" or "}" and may hold
// anything else, another "${" too; a fallback runs up to "}".
func nextReference(value string, from int) (reference, bool) {
	for {
		open := strings.Index(value[from:], "${")
		if open < 0 {
			return reference{}, false
		}
		start := from + open
		nameStart := start + len("${")
		length := strings.IndexAny(value[nameStart:], ":}")
		if length < 0 {
			return reference{}, false
		}
		nameEnd := nameStart + length
		if value[nameEnd] == '}' {
			return reference{start: start, end: nameEnd + 1, name: value[nameStart:nameEnd]}, true
		}
		if !strings.HasPrefix(value[nameEnd:], ":-") {
			from = nameEnd // every "${" up to here runs into the same colon
			continue
		}
		fallbackStart := nameEnd + len(":-")
		length = strings.IndexByte(value[fallbackStart:], '}')
		if length < 0 {
			return reference{}, false
		}
		end := fallbackStart + length
		return reference{
			start: start, end: end + 1,
			name: value[nameStart:nameEnd], fallback: value[fallbackStart:end],
		}, true
	}
}

// literal returns what value reads as where that depends on no key and no variable. A reference without a
// name always takes its fallback: neither a key nor a variable has an empty name.
func literal(value string) (string, bool) {
	fixed := true
	text := expand(value, func(name string) (string, bool) {
		fixed = fixed && name == ""
		return "", false
	})
	return text, fixed
}
