package dotenv

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Set makes python-dotenv read value, exactly, for key; nothing in it is expanded. A key of the file keeps its
// place, export, indentation, comment and line end; of a key given twice the last is changed, which is the one
// that counts. A new key goes to the end of the file, or before a quote that is never closed, which would
// swallow it. A file without a line end on its last line stays one without.
//
// The file is only changed where every other key is still read as before (but for references to key), and
// Unset restores its bytes after a new key. Otherwise the error wraps ErrKey, ErrValue or ErrNoPlace.
func (f *File) Set(key, value string) error {
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return fmt.Errorf("%s: %w: it has bytes that are not UTF-8, or a NUL", key, ErrValue)
	}
	rest, above := f, len(f.statements)
	if i := f.last(key); i >= 0 {
		if s := &f.statements[i]; !s.null {
			if now, fixed := literal(s.value); fixed && now == value {
				return nil
			}
		}
		if f.replace(i, value) {
			return nil
		}
		rest, above = parse(f.without(key)), 0
		for j := f.skip(key, 0); j < i; j = f.skip(key, j+1) {
			above++
		}
	}
	if reason := whyNoKey(key); reason != "" {
		return fmt.Errorf("%q: %w: %s", key, ErrKey, reason)
	}
	for _, place := range rest.places(key, above) {
		for _, encoded := range encodings(value) {
			edited := parse(rest.insert(place, key+"="+encoded))
			if rest.keeps(edited, key, value) {
				*f = *edited
				return nil
			}
		}
	}
	return fmt.Errorf("%s: %w", key, ErrNoPlace)
}

// Unset removes every statement of key, each with its lines and nothing else, and reports whether there was
// one. Where the last line of the file goes and had no line end, the new last line loses its own.
func (f *File) Unset(key string) bool {
	if f.last(key) < 0 {
		return false
	}
	*f = *parse(f.without(key))
	return true
}

func (f *File) without(key string) string {
	var b strings.Builder
	b.Grow(len(f.text))
	done := 0
	for _, s := range f.statements {
		if s.sets(key) {
			b.WriteString(f.text[done:s.start])
			done = s.end
		}
	}
	rest, text := f.text[done:], b.String()
	if rest == "" && !endsLine(f.text) {
		text = text[:len(text)-lastLineEnd(text)]
	}
	text += rest
	if strings.HasPrefix(text, bom) && !strings.HasPrefix(f.text, bom) {
		return f.lineEnd(0) + text // at the start it would no longer be a part of the key behind it
	}
	return text
}

// replace gives the statement at index i another value. It changes nothing and returns false where an unclosed
// quote further up leaves no way to write value there.
func (f *File) replace(i int, value string) bool {
	s := &f.statements[i]
	from, to, equal := s.valueStart, s.valueEnd, ""
	if s.null {
		from, to, equal = s.keyEnd, s.keyEnd, "="
	}
	before, after := f.text[:from]+equal, f.text[to:]
	commented := strings.HasPrefix(strings.TrimLeftFunc(after, isBlank), "#")
	for _, encoded := range encodings(value) {
		switch {
		case encoded == "" && commented:
			continue // python-dotenv before 1.2.4 reads the comment as the value
		case strings.HasPrefix(after, "#"):
			encoded += " "
		}
		if edited := parse(before + encoded + after); f.keeps(edited, s.key, value) {
			*f = *edited
			return true
		}
	}
	return false
}

// keeps reports whether edited reads value for key and everything else as f does.
func (f *File) keeps(edited *File, key, value string) bool {
	i := edited.last(key)
	if i < 0 || edited.statements[i].null {
		return false
	}
	if got, fixed := literal(edited.statements[i].value); !fixed || got != value {
		return false
	}
	for i, j := 0, 0; ; i, j = i+1, j+1 {
		i, j = f.skip(key, i), edited.skip(key, j)
		if i == len(f.statements) || j == len(edited.statements) {
			return i == len(f.statements) && j == len(edited.statements)
		}
		if f.statements[i].content() != edited.statements[j].content() {
			return false
		}
	}
}

// skip returns the index of the first statement at or behind i that does not set key.
func (f *File) skip(key string, i int) int {
	for i < len(f.statements) && f.statements[i].sets(key) {
		i++
	}
	return i
}

// content is what of a statement does not depend on where it stands.
type content struct {
	key, value, problem string
	null                bool
}

func (s *statement) content() content {
	if s.malformed() {
		return content{problem: s.problem}
	}
	return content{key: s.key, value: s.value, null: s.null}
}

// places returns the offsets at which key can be put, the best first, so that other values read as if it stood
// behind the first above statements. Behind an unclosed quote lines are read only as long as nothing closes the
// quote, so a line before it is safe, unless a reference in between would pick the key up.
func (f *File) places(key string, above int) []int {
	var list []int
	for i := range f.statements[:above] {
		switch s := &f.statements[i]; {
		case s.unclosed:
			list = append(list, s.start)
		case !s.malformed() && refersTo(s.value, key):
			list = nil
		}
	}
	if above == len(f.statements) {
		list = append(list, len(f.text))
	}
	return list
}

func refersTo(value, key string) bool {
	found := false
	expand(value, func(name string) (string, bool) {
		found = found || name == key
		return "", false
	})
	return found
}

// insert returns the text with line added at the offset place, which is the start of a line or the end.
func (f *File) insert(place int, line string) string {
	before, after := f.text[:place], f.text[place:]
	if endsLine(before) {
		return before + line + f.lineEnd(place) + after
	}
	return before + f.lineEnd(place) + line
}

// lineEnd returns the line end that the file uses around the offset place.
func (f *File) lineEnd(place int) string {
	before, after := f.text[:place], f.text[place:]
	if end := strings.LastIndexAny(before, "\r\n"); end >= 0 {
		return before[end+1-lastLineEnd(before[:end+1]) : end+1]
	}
	if start := strings.IndexAny(after, "\r\n"); start >= 0 {
		return after[start : start+newline(after, start)]
	}
	return "\n"
}

// endsLine reports whether text ends where a line can start.
func endsLine(text string) bool {
	return text == "" || text == bom || lastLineEnd(text) > 0
}

// lastLineEnd returns the length of the line end at the end of text, 0 where there is none.
func lastLineEnd(text string) int {
	switch {
	case strings.HasSuffix(text, "\r\n"):
		return 2
	case strings.HasSuffix(text, "\n"), strings.HasSuffix(text, "\r"):
		return 1
	}
	return 0
}

func isBlank(r rune) bool { return isSpace(r) && r != '\r' && r != '\n' }

// whyNoKey says why python-dotenv could not read key back, "" where it can.
func whyNoKey(key string) string {
	switch {
	case key == "":
		return "it is empty"
	case !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return "it has bytes that are not UTF-8, or a NUL"
	case strings.ContainsFunc(key, isSpace):
		return "it has white space"
	case strings.ContainsAny(key, "=#"):
		return "it has '=' or '#'"
	case strings.HasPrefix(key, "'"):
		return "it starts with a quote"
	case strings.HasPrefix(key, bom):
		return "it starts with a byte order mark"
	}
	return ""
}
