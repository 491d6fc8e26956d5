package pysource

import (
	"strings"
)

// simple reads a statement that opens no block.
func (s *scanner) simple(line []token) {
	if len(line) == 0 {
		return
	}
	switch {
	case line[0].is("import"):
		s.imports(line[1:], line[0].line)
	case line[0].is("from"):
		s.from(line[1:], line[0].line)
	default:
		s.assignment(line)
		s.calls(line)
	}
}

// imports reads "a.b as c, d" of an import statement.
func (s *scanner) imports(list []token, line int) {
	for len(list) > 0 {
		module, rest := dotted(list)
		if module == "" {
			return
		}
		s.add(Import{Module: module, Line: line})
		if len(rest) > 1 && rest[0].is("as") {
			s.name(rest[1].text, module)
			rest = rest[2:]
		} else {
			top, _, _ := strings.Cut(module, ".")
			s.name(top, top)
		}
		if len(rest) == 0 || !rest[0].is(",") {
			return
		}
		list = rest[1:]
	}
}

// from reads "a.b import (c as d, e)".
func (s *scanner) from(list []token, line int) {
	module := ""
	for len(list) > 0 && list[0].is(".") {
		module, list = module+".", list[1:]
	}
	if len(list) > 0 && !list[0].is("import") {
		var name string
		name, list = dotted(list)
		module += name
	}
	if module == "" || len(list) == 0 || !list[0].is("import") {
		return
	}
	i := Import{Module: module, Line: line, Names: []string{}}
	for list = list[1:]; len(list) > 0; list = list[1:] {
		if list[0].kind != word {
			continue
		}
		taken, as := list[0].text, list[0].text
		if len(list) > 2 && list[1].is("as") {
			as, list = list[2].text, list[2:]
		}
		i.Names = append(i.Names, taken)
		s.name(as, strings.TrimSuffix(module, ".")+"."+taken)
	}
	s.add(i)
}

func (s *scanner) add(i Import) {
	i.Nested, i.Try = s.nested(), s.try()
	s.file.Imports = append(s.file.Imports, i)
}

// name remembers what a name stands for.
func (s *scanner) name(name, module string) { s.alias[name] = module }

// dotted reads a name such as a.b.c and returns what follows it; "" where there is none.
func dotted(list []token) (name string, rest []token) {
	for len(list) > 0 && list[0].kind == word {
		name += list[0].text
		if len(list) < 3 || !list[1].is(".") || list[2].kind != word {
			return name, list[1:]
		}
		name, list = name+".", list[2:]
	}
	return name, list
}

// resolve puts what the file imports in place of the first part of a dotted name.
func (s *scanner) resolve(name string) string {
	first, rest, more := strings.Cut(name, ".")
	if module, ok := s.alias[first]; ok {
		first = module
	}
	if more {
		return first + "." + rest
	}
	return first
}

// assignment reads "a = b = f(x)", "a: T = f(x)".
func (s *scanner) assignment(line []token) {
	var names []string
	first := line[0].line
	for {
		equals := outside(line, "=")
		if equals < 0 {
			break
		}
		target := line[:equals]
		if colon := outside(target, ":"); colon >= 0 {
			target = target[:colon] // what follows is its type
		}
		if len(target) == 1 && target[0].kind == word {
			names = append(names, target[0].text)
		}
		line = line[equals+1:]
	}
	if len(names) > 0 {
		s.bind(names, line, first)
	}
}

// bind records that names stand for the value of an expression.
func (s *scanner) bind(names []string, expr []token, line int) {
	if s.nested() {
		return
	}
	name, rest := dotted(expr)
	b := Binding{Value: s.resolve(name), Line: line}
	switch {
	case name == "" || len(rest) > 0 && !rest[0].is("("):
		b.Value = "" // an expression that is more than a name
	case len(rest) > 0:
		b.Call, b.Args = true, keywords(rest)
	}
	for _, n := range names {
		b.Name = n
		s.file.Bindings = append(s.file.Bindings, b)
	}
}

// keywords returns the arguments of a call, from its parenthesis on, that are a name and one plain string.
func keywords(call []token) map[string]string {
	args := map[string]string{}
	depth := 0
	for i, t := range call {
		switch {
		case t.is("(") || t.is("[") || t.is("{"):
			depth++
		case t.is(")") || t.is("]") || t.is("}"):
			if depth--; depth == 0 {
				return args
			}
		case depth != 1 || t.kind != word || i+3 >= len(call) || !call[i+1].is("="):
		case call[i+2].kind == literal && call[i+2].plain && (call[i+3].is(",") || call[i+3].is(")")):
			args[t.text] = call[i+2].text
		}
	}
	return args
}

// calls records what an expression calls.
func (s *scanner) calls(expr []token) {
	for i := 0; i < len(expr); i++ {
		if expr[i].kind != word {
			continue
		}
		name, rest := dotted(expr[i:])
		after := len(expr) - len(rest)
		if len(rest) > 0 && rest[0].is("(") {
			if i > 0 && expr[i-1].is(".") { // of something without a name, such as f(x).g()
				s.file.Calls = append(s.file.Calls, "."+name)
			} else {
				resolved := s.resolve(name)
				s.file.Calls = append(s.file.Calls, resolved)
				if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
					s.file.Calls = append(s.file.Calls, name[dot:])
				}
			}
		}
		i = after - 1
	}
}
