// Package pysource reads what a Python file or notebook imports, defines and calls, without running it. It is
// tolerant: from source that is invalid or incomplete it returns what can be recognised. It knows nothing about
// frameworks.
package pysource

import (
	"slices"
	"strings"
)

// File is the content of a source file. Names are resolved through its imports: after "import dash as d", the
// callee of "d.Dash()" is "dash.Dash".
type File struct {
	Imports   []Import
	Bindings  []Binding  // of the module's own scope, in order
	Functions []Function // of the module's own scope, in order
	Calls     []string   // everything that is called anywhere, sorted; ".name" is a method of something without a name
}

// Import is one imported module, anywhere in the file.
type Import struct {
	Module string   // "a.b"; leading dots where it is relative
	Names  []string // names imported by "from a.b import"; nil for "import a.b"
	Line   int      // counted from 1
	Nested bool     // in a function or class
	Try    bool     // below try or if: it may be optional
}

// Top is the first name of an absolute module, "" for a relative one.
func (i Import) Top() string {
	top, _, _ := strings.Cut(i.Module, ".")
	return top
}

// Binding is a name that the module assigns the result of a call, or another name.
type Binding struct {
	Name  string
	Value string            // what is called or named, such as "flask.Flask" or "app.server"
	Call  bool              // Value is called
	Args  map[string]string // keyword arguments of the call that are plain strings
	Line  int
}

// Function is a function of the module.
type Function struct {
	Name     string
	Required int // parameters without a default
	Line     int
}

// ImportsTop reports whether the file imports a top-level module.
func (f File) ImportsTop(top string) bool {
	return slices.ContainsFunc(f.Imports, func(i Import) bool { return top != "" && i.Top() == top })
}

// CallsAny reports whether the file calls one of names, as spelled in Calls.
func (f File) CallsAny(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, found := slices.BinarySearch(f.Calls, name)
		return found
	})
}

// Scan reads Python source.
func Scan(src []byte) File {
	s := scanner{tokens: lex(src), alias: map[string]string{}}
	for s.at < len(s.tokens) {
		s.logicalLine()
	}
	slices.Sort(s.file.Calls)
	s.file.Calls = slices.Compact(s.file.Calls)
	return s.file
}

// scope is a block that is open.
type scope struct {
	indent int
	nested bool // of a function or class
	try    bool // of try or if
}

type scanner struct {
	tokens []token
	at     int
	file   File
	alias  map[string]string
	scopes []scope
}

func (s *scanner) nested() bool {
	return slices.ContainsFunc(s.scopes, func(o scope) bool { return o.nested })
}

func (s *scanner) try() bool {
	return slices.ContainsFunc(s.scopes, func(o scope) bool { return o.try })
}

// logicalLine reads the tokens to the end of a line.
func (s *scanner) logicalLine() {
	start := s.at
	for s.at < len(s.tokens) && s.tokens[s.at].kind != end {
		s.at++
	}
	line := s.tokens[start:s.at]
	s.at++
	if len(line) == 0 {
		return
	}
	for len(s.scopes) > 0 && s.scopes[len(s.scopes)-1].indent >= line[0].indent {
		s.scopes = s.scopes[:len(s.scopes)-1]
	}
	s.statement(line, line[0].indent)
}

// statement reads one line, which may be several statements.
func (s *scanner) statement(line []token, indent int) {
	for len(line) > 0 && line[0].is("async") {
		line = line[1:]
	}
	if len(line) == 0 {
		return
	}
	first := line[0]
	if first.kind == word && slices.Contains(compound, first.text) {
		if colon := outside(line, ":"); colon >= 0 {
			s.header(line[:colon])
			s.scopes = append(s.scopes, scope{
				indent: indent, nested: first.is("def") || first.is("class"),
				try: first.is("try") || first.is("if") || first.is("elif") || first.is("except") || first.is("else"),
			})
			s.statement(line[colon+1:], indent) // such as "if x: import y"
			return
		}
	}
	if semicolon := outside(line, ";"); semicolon >= 0 {
		s.simple(line[:semicolon])
		s.statement(line[semicolon+1:], indent)
		return
	}
	s.simple(line)
}

var compound = []string{"def", "class", "if", "elif", "else", "try", "except", "finally", "with", "for", "while", "match", "case"}

// outside returns the index of the first operator text outside brackets, or -1.
func outside(line []token, text string) int {
	depth := 0
	for i, t := range line {
		switch {
		case depth == 0 && t.kind == operator && t.text == text:
			return i
		case t.kind != operator:
		case t.text == "(" || t.text == "[" || t.text == "{":
			depth++
		case t.text == ")" || t.text == "]" || t.text == "}":
			depth = max(0, depth-1)
		}
	}
	return -1
}

// header reads the first line of a block without its colon.
func (s *scanner) header(line []token) {
	switch first := line[0]; {
	case first.is("def"):
		if len(line) > 1 && line[1].kind == word && !s.nested() {
			s.file.Functions = append(s.file.Functions, Function{Name: line[1].text, Required: required(line[2:]), Line: first.line})
		}
		if len(line) > 2 {
			s.calls(line[2:])
		}
	case first.is("class"):
		if len(line) > 2 {
			s.calls(line[2:])
		}
	case first.is("with"):
		for i := 1; i+1 < len(line); i++ {
			if line[i].is("as") && line[i+1].kind == word {
				s.bind([]string{line[i+1].text}, withoutBrackets(line[1:i]), first.line)
			}
		}
		s.calls(line[1:])
	default:
		s.calls(line[1:])
	}
}

// withoutBrackets leaves out the parenthesis that may open a list of managers, and managers before the last.
func withoutBrackets(expr []token) []token {
	for i := len(expr) - 1; i > 0; i-- {
		if expr[i-1].is(",") && outside(expr[i:], ")") < 0 && balanced(expr[i:]) {
			return expr[i:]
		}
	}
	for len(expr) > 0 && expr[0].is("(") && !balanced(expr) {
		expr = expr[1:]
	}
	return expr
}

func balanced(expr []token) bool {
	depth := 0
	for _, t := range expr {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			depth--
		}
	}
	return depth == 0
}

// required counts the parameters of a definition that have no default.
func required(list []token) int {
	if len(list) == 0 || !list[0].is("(") {
		return 0
	}
	count, depth := 0, 0
	fresh, starred, counted := true, false, false // of the parameter that is read
	for _, t := range list {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			if depth--; depth == 0 {
				return count
			}
		case depth != 1:
		case t.is(","):
			fresh, starred, counted = true, false, false
		case t.is("*"):
			starred = true
		case t.is("=") && counted:
			count, counted = count-1, false
		case t.kind == word && fresh:
			fresh = false
			if counted = !starred; counted {
				count++
			}
		}
	}
	return count
}
