package dotenv

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// What python-dotenv reads as a key need not be a name: it is the whole of a line without "=", and of the last line
// of a key in PEM what stands before its padding. A key is a name, which may be shown and stored, where a line
// clearly assigns something to it:
//
//   - The line has "=".
//   - The name consists of letters, digits, "_", "." and "-", begins with none of the last two and has a letter. It is
//     no long random text: no word of it, between the separators, has 16 characters or more and digits in two places.
//   - The value is quoted, or it begins with another character than "=" and has a letter or a digit.
//   - Or the value has neither, as that of a template has not; then the name must be [IsName], and the lines above
//     must not be those of a PEM block or of base64.

// Names returns the keys that may be shown, in the order of their first appearance: those that a line clearly assigns
// something to. [File.Doubts] lists the other lines.
func (f *File) Names() []string {
	var names []string
	seen := map[string]bool{}
	for i, s := range f.statements {
		if f.doubt(i) == "" && !s.malformed() && !seen[s.key] {
			seen[s.key] = true
			names = append(names, s.key)
		}
	}
	return names
}

// Unclear returns the keys that Names does not have, each with the number of the line that decides about it.
func (f *File) Unclear() map[string]int {
	lines := f.Lines()
	for _, name := range f.Names() {
		delete(lines, name)
	}
	return lines
}

// Lines returns for each key the number of the line that decides about it, counted from 1.
func (f *File) Lines() map[string]int {
	lines := make(map[string]int, len(f.statements))
	line, counted := 1, 0
	for _, s := range f.statements {
		line += countLines(f.text[counted:s.start])
		counted = s.start
		if !s.malformed() {
			lines[s.key] = line
		}
	}
	return lines
}

// Doubt is a line that is not clearly an assignment. Reason never contains text of the file, which may be a
// secret.
type Doubt struct {
	Line   int // counted from 1
	Reason string
	Read   bool // python-dotenv reads a key in it; otherwise it skips the line
	Null   bool // it is a key without "="
}

func (d Doubt) String() string {
	if d.Read {
		return "is not a clear assignment: " + d.Reason
	}
	return "is skipped: " + d.Reason
}

// Doubts returns the lines that are not clear assignments, in the order of the file: those of Warnings, and those
// in which python-dotenv still reads a key.
func (f *File) Doubts() []Doubt {
	var list []Doubt
	line, counted := 1, 0
	for i, s := range f.statements {
		reason := s.problem
		if reason == "" {
			reason = f.doubt(i)
		}
		if reason == "" {
			continue
		}
		line += countLines(f.text[counted:s.start])
		counted = s.start
		list = append(list, Doubt{Line: line, Reason: reason, Read: !s.malformed(), Null: s.null && !s.malformed()})
	}
	return list
}

// Describe describes doubts about the lines of a file: what say returns for each of the first lines, and one
// sentence about all others.
func Describe(file string, doubts []Doubt, say func(file string, d Doubt) string) []string {
	const each = 20
	var said []string
	for i, d := range doubts {
		if i == each {
			return append(said, file+": "+ranges(doubts[each:])+" are not clear assignments either")
		}
		said = append(said, say(file, d))
	}
	return said
}

// ranges formats line numbers, joining consecutive ones.
func ranges(doubts []Doubt) string {
	var parts []string
	for i := 0; i < len(doubts); {
		last := i
		for last+1 < len(doubts) && doubts[last+1].Line == doubts[last].Line+1 {
			last++
		}
		part := strconv.Itoa(doubts[i].Line)
		if last > i {
			part += "-" + strconv.Itoa(doubts[last].Line)
		}
		parts, i = append(parts, part), last+1
	}
	return "lines " + strings.Join(parts, ", ")
}

// Why a statement that python-dotenv reads is not a clear assignment.
const (
	noEqual     = "it has no '='"
	maybeValue  = "it may be part of a value; values of several lines need quotes"
	maybeSecret = "the text before '=' does not look like a name"
)

// doubt says why the statement at index i, unless it is malformed, is not a clear assignment; "" if it is one.
func (f *File) doubt(i int) string {
	s := &f.statements[i]
	switch {
	case s.malformed():
		return ""
	case s.null:
		return noEqual
	case !CouldBeName(s.key):
		return maybeSecret
	case s.valueEnd > s.valueStart && strings.ContainsRune(`'"`, rune(f.text[s.valueStart])):
		return ""
	case strings.HasPrefix(s.value, "="):
		return maybeValue
	case strings.ContainsFunc(s.value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
		return ""
	case !IsName(s.key):
		return maybeSecret
	case f.follows(i):
		return maybeValue
	}
	return ""
}

// follows reports whether the statement at index i may be the end of what began on the lines above it: of a PEM block, or
// of base64 in several lines.
func (f *File) follows(i int) bool {
	for ; i > 0 && f.statements[i-1].end == f.statements[i].start; i-- { // no comment or empty line is between
		above := &f.statements[i-1]
		const long = 16 // bytes
		text := f.text[above.start:above.end]
		switch {
		case strings.Contains(text, "-----BEGIN "), strings.HasPrefix(above.value, "="):
			return true
		case above.null && (!IsName(above.key) || len(above.key) >= long && !strings.ContainsAny(above.key, "_.-")):
			return true
		case !above.null && !above.malformed(), strings.Contains(text, "-----END "):
			return false
		}
	}
	return false
}

// CouldBeName reports whether a text has the form of a name: letters, digits, "_", "." and "-", and no long random text.
// Names of the environment and of files have it where they are read as such, but a password may have it, too.
func CouldBeName(text string) bool {
	if !strings.ContainsFunc(text, unicode.IsLetter) || strings.ContainsAny(text[:1], ".-") {
		return false
	}
	separated := func(r rune) bool { return r == '_' || r == '.' || r == '-' }
	if strings.ContainsFunc(text, func(r rune) bool { return !separated(r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		return false
	}
	return !slices.ContainsFunc(strings.FieldsFunc(text, separated), func(word string) bool {
		const long = 16 // bytes
		return len(word) >= long && digitRuns(word) >= 2
	})
}

// IsName reports whether a text is a name even where nothing around it says so: it could be one, no word of it is as long
// as a key or has digits in two places, and all letters have the same case, or it has words like clientId and no digits.
// Padded base64 and base32 are not names.
func IsName(text string) bool {
	if !CouldBeName(text) {
		return false
	}
	upper, lower := strings.ContainsFunc(text, unicode.IsUpper), strings.ContainsFunc(text, unicode.IsLower)
	words := strings.FieldsFunc(text, func(r rune) bool { return r == '_' || r == '.' || r == '-' })
	return !slices.ContainsFunc(words, func(word string) bool {
		const long = 32 // bytes
		if len(word) >= long {
			return true
		}
		if upper && lower {
			return !camel(word)
		}
		return digitRuns(word) >= 2
	})
}

// digitRuns counts the places in which word has digits.
func digitRuns(word string) int {
	return len(strings.FieldsFunc(word, func(r rune) bool { return !unicode.IsDigit(r) }))
}

// camel reports whether word consists of words of two letters or more that are told apart by their capitals.
func camel(word string) bool {
	length := 0 // of the part that has begun
	for i, r := range word {
		switch {
		case unicode.IsUpper(r):
			if i > 0 && length < 2 {
				return false
			}
			length = 1
		case unicode.IsLetter(r):
			length++
		default:
			return false
		}
	}
	return length >= 2
}
