// Package gitignore decides, like git for .gitignore files, which paths an ignore file excludes. It knows nothing
// about the file system: callers pass the content of ignore files and the paths to decide on.
//
// The rules are those of gitignore(5), tested against git itself; if the manual and git differ, git decides.
// Patterns and paths are bytes, so "?" stands for one byte, and matching is case-sensitive on every system.
package gitignore

import (
	"bytes"
	"strings"
)

// Pattern is one line of an ignore file.
type Pattern struct {
	Line    int    // counted from 1
	Text    string // as written, without the line ending and cut-off spaces
	Negated bool   // the line starts with "!": what it matches is kept

	folderOnly bool
	basename   bool   // contains no slash: compared with the last part of a path
	literal    string // leading bytes without a special one, compared as they are
	rest       glob   // what follows literal
}

// File is a parsed ignore file. It does not change after Parse and is safe for concurrent use.
type File struct {
	patterns []Pattern
}

// Parse reads an ignore file. Any content is valid: a line that git cannot use never matches.
func Parse(content []byte) *File {
	f := &File{}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	for number := 1; len(content) > 0; number++ {
		line, rest, _ := bytes.Cut(content, []byte("\n"))
		content = rest
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		line = bytes.TrimSuffix(line, []byte("\r"))
		line, _, _ = bytes.Cut(line, []byte{0}) // git reads lines as C strings
		f.patterns = append(f.patterns, parseLine(number, trimSpaces(string(line))))
	}
	return f
}

// trimSpaces cuts spaces at the end of a line, but keeps one that a backslash protects.
func trimSpaces(line string) string {
	end := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case ' ':
			continue
		case '\\':
			i++
			if i == len(line) {
				return line
			}
		}
		end = i + 1
	}
	return line[:end]
}

func parseLine(number int, text string) Pattern {
	p := Pattern{Line: number, Text: text}
	text, p.Negated = strings.CutPrefix(text, "!")
	text, p.folderOnly = strings.CutSuffix(text, "/")
	p.basename = !strings.Contains(text, "/")
	text = strings.TrimPrefix(text, "/") // only anchors the pattern
	literal := strings.IndexAny(text, `*?[\`)
	if literal < 0 {
		literal = len(text)
	}
	if p.basename {
		literal = 0
	}
	// git compares the leading literal first and starts the glob after it, so a "**" there counts as leading.
	p.literal, p.rest = text[:literal], compile(text[literal:], !p.basename)
	return p
}

// Match returns the pattern that decides about path: the last one that matches. path is relative to the folder of
// the ignore file, with forward slashes and no empty, "." or ".." part. It only looks at this path; Tree handles
// the rule that a file cannot be re-included inside an ignored folder.
func (f *File) Match(path string, folder bool) (p Pattern, ok bool) {
	base := path[strings.LastIndexByte(path, '/')+1:]
	for i := len(f.patterns) - 1; i >= 0; i-- {
		if f.patterns[i].match(path, base, folder) {
			return f.patterns[i], true
		}
	}
	return Pattern{}, false
}

func (p *Pattern) match(path, base string, folder bool) bool {
	if p.folderOnly && !folder {
		return false
	}
	if p.basename {
		return p.rest.match(base)
	}
	rest, ok := strings.CutPrefix(path, p.literal)
	return ok && p.rest.match(rest)
}
