// Package dotenv reads a .env file as python-dotenv 1.2.4 does and edits it without touching any other byte.
// It knows nothing about the file system, the process's environment or what the keys mean.
//
// What python-dotenv reads is the truth, because the deployed apps read the file with it. The rules, as
// dotenv_values(path, interpolate=True) applies them:
//
//   - A statement starts at the first character that is not white space (Unicode's, not only ASCII's) and ends
//     with its line: "[export ]NAME[=VALUE][ # comment]". Lines end with LF, CRLF or CR. One BOM is skipped.
//   - NAME is 'quoted', may then hold anything but a single quote, or runs up to white space, "=" or "#".
//   - Without "=" the value is null. Unquoted values lose trailing white space and a comment, which starts at
//     a "#" after white space. Quoted values may span lines; a line break in them reads as LF.
//   - Escapes: \\ and \' in single quotes, also \" \a \b \f \n \r \t \v in double quotes; others stay as they are.
//   - ${NAME} and ${NAME:-default} are expanded in every kind of value, from the keys above, then the
//     environment. A null key expands to nothing, even where a default is given. $NAME is plain text.
//   - A key given twice keeps its first place and its last value.
//   - A line that fits none of this is skipped; see [File.Warnings].
//
// A file that is not UTF-8 cannot be read at all by python-dotenv, nor by us: see [EncodingError].
package dotenv

import (
	"strings"
	"unicode/utf8"
)

const bom = "\ufeff"

// File is a parsed .env file. Set and Unset edit it in place; it is not safe for concurrent use while edited.
type File struct {
	text       string
	statements []statement
}

// Pair is a key and the value that python-dotenv reads for it. Null marks a key without "=".
type Pair struct {
	Key, Value string
	Null       bool
}

// Lookup finds a variable of the environment, as os.LookupEnv does.
type Lookup func(name string) (value string, ok bool)

// Parse reads the bytes of a .env file. Malformed lines are not errors: python-dotenv skips them too, and
// Warnings lists them. The only error is an *EncodingError, for bytes that are not UTF-8.
func Parse(data []byte) (*File, error) {
	if !utf8.Valid(data) {
		return nil, newEncodingError(data)
	}
	return parse(string(data)), nil
}

func parse(text string) *File { return &File{text: text, statements: scan(text)} }

// Bytes returns the file's content: what Parse was given, but for the spans that Set and Unset changed.
func (f *File) Bytes() []byte { return []byte(f.text) }

// Values returns the keys in the order of their first appearance, each with its last value, expanded from the
// keys above it and then from env. A nil env is an empty environment.
func (f *File) Values(env Lookup) []Pair {
	pairs := make([]Pair, 0, len(f.statements))
	at := make(map[string]int, len(f.statements))
	lookup := func(name string) (string, bool) {
		if i, ok := at[name]; ok {
			return pairs[i].Value, true
		}
		if env == nil {
			return "", false
		}
		return env(name)
	}
	for _, s := range f.statements {
		if s.malformed() {
			continue
		}
		p := Pair{Key: s.key, Value: expand(s.value, lookup), Null: s.null}
		if i, ok := at[s.key]; ok {
			pairs[i] = p
			continue
		}
		at[s.key] = len(pairs)
		pairs = append(pairs, p)
	}
	return pairs
}

// Get returns the value of key as Values has it. ok is false where the key is missing or null.
func (f *File) Get(key string, env Lookup) (value string, ok bool) {
	for _, p := range f.Values(env) {
		if p.Key == key {
			return p.Value, !p.Null
		}
	}
	return "", false
}

// Keys returns the keys in the order of their first appearance, null ones too.
func (f *File) Keys() []string {
	keys := make([]string, 0, len(f.statements))
	seen := make(map[string]bool, len(f.statements))
	for _, s := range f.statements {
		if !s.malformed() && !seen[s.key] {
			seen[s.key] = true
			keys = append(keys, s.key)
		}
	}
	return keys
}

// last returns the index of the statement that decides the value of key, -1 where there is none.
func (f *File) last(key string) int {
	for i := len(f.statements) - 1; i >= 0; i-- {
		if f.statements[i].sets(key) {
			return i
		}
	}
	return -1
}

// countLines counts the line ends in text, CRLF as one.
func countLines(text string) int {
	return strings.Count(text, "\n") + strings.Count(text, "\r") - strings.Count(text, "\r\n")
}
