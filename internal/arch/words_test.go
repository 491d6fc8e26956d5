package arch

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// bannedParts maps a word to the term to use in its place. The word may not be part of an identifier or of the
// name of a file or package: neither newVisitor nor visitor_test.go.
func bannedParts() map[string]string {
	return map[string]string{
		"visitor": "client or user", "visitors": "clients or users",
		"shelf": "source", "shelves": "sources", "kit": "builder", "drawer": "store", "deaf": "discard or no-op",
		"desk": "command test", "twin": "reference", "doom": "mark deleted", "doomed": "marked deleted",
		"glance": "check the cache", "admission": "access policy", "objection": "denial reason",
		"disguised": "has redundant escapes", "spoken": "unsolicited data", "patient": "idle timeout",
		"young": "in flight", "whoever": "user or client", "somebody": "user or client", "whom": "user",
		"stranger": "unknown or external", "strangers": "unknown or external",
	}
}

// bannedNames maps a whole identifier, its first letter in lower case, to the term to use in its place. As a part of
// a longer name, or as the name of something else, these words may be right: timestamp, worldReadable, codeExchange.
func bannedNames() map[string]string {
	return map[string]string{
		"exchange": "request state", "area": "protected scope", "stamp": "fingerprint",
		"grow": "promote", "opened": "tracked connection", "sweep": "reaper",
		"renames": "session rotation", "settle": "wait for rotation", "handOver": "migrate session",
		"givenAlready": "cookie already sent", "planted": "injected cookie", "room": "package", "rooms": "packages",
		"checkAlike": "reject confusables", "spent": "replay cache", "hurry": "shorten deadline",
		"hangUp": "close", "pulse": "progress reader", "world": "environment", "errStale": "errStaleConn",
	}
}

// A phrase is a pattern that prose must not contain: comments, string literals and the documentation.
type phrase struct {
	pattern string
	use     string
	unless  string // what the match and the word before it may be all the same
}

func bannedPhrases() []phrase {
	return []phrase{
		{pattern: `visitors?`, use: "client (of HTTP) or user (a person)"},
		{pattern: `whoever`, use: "anyone who, or name the user"},
		{pattern: `somebody`, use: "someone, or name the user"},
		{pattern: `whom`, use: "who, or name the user"},
		{pattern: `(is|are|was|were) no [\w-]+`, use: "is not a ..., or invalid ...",
			unless: `^(there|where|here|nor|or) |^(\S+ )?(is|are|was|were) no (longer|more|less|better|worse|different|one|limit|need|reason|harm|use|way|problem|point|match|proof|guarantee)$`},
		{pattern: `(that|which|it|they|what) (is|are|was|were) none`, use: "invalid, or does not exist"},
		{pattern: `(is|are) there (twice|once|already)`, use: "is duplicated, or already exists"},
		{pattern: `than nothing`, use: "greater than zero, or not empty"},
		{pattern: `(is|are) of (the|a|an|may|this|that|one|another|somebody|others?|no)`, use: "belongs to"},
		{pattern: `whose .* is none`, use: "does not have"},
		{pattern: `brought along`, use: "bundled"},
		{pattern: `doom(s|ed)?`, use: "mark deleted"},
		{pattern: `disguised?`, use: "has redundant escapes"},
		{pattern: `drawers?|shel(f|ves)`, use: "store or source"},
		{pattern: `hangs? up|hung up`, use: "closes the connection"},
		{pattern: `at home`, use: "on this machine, or in the project's folder"},
		{pattern: `as whom they like`, use: "as any user"},
	}
}

// ownText reports whether a file is one of those that hold the lists.
func ownText(p string) bool { return p == "internal/arch/words_test.go" }

// bannedIdentifiers finds names of files, packages and declarations that are on the lists.
func bannedIdentifiers(files []file) []string {
	var found []string
	for _, f := range files {
		if ownText(f.path) {
			continue
		}
		for _, part := range strings.FieldsFunc(f.path, func(r rune) bool { return strings.ContainsRune("/_.-", r) }) {
			if use, ok := bannedParts()[part]; ok {
				found = append(found, fmt.Sprintf("%s: %q in the name of a file or folder; the term is: %s", f.path, part, use))
			}
		}
		for _, id := range declared(f.tree) {
			use, ok := bannedNames()[lowerFirst(id.Name)]
			for _, w := range camelWords(id.Name) {
				if !ok {
					use, ok = bannedParts()[w]
				}
			}
			if ok {
				found = append(found, fmt.Sprintf("%s: name %s; the term is: %s", f.at(id.Pos()), id.Name, use))
			}
		}
	}
	return found
}

// declared lists the identifiers that a file declares. Functions called exchange are left out: they are the
// code exchange of OAuth.
func declared(tree *ast.File) []*ast.Ident {
	ids := []*ast.Ident{tree.Name}
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if !strings.EqualFold(n.Name.Name, "exchange") {
				ids = append(ids, n.Name)
			}
		case *ast.TypeSpec:
			ids = append(ids, n.Name)
		case *ast.ValueSpec:
			ids = append(ids, n.Names...)
		case *ast.Field:
			ids = append(ids, n.Names...)
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				ids = append(ids, plain(n.Lhs...)...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				ids = append(ids, plain(n.Key, n.Value)...)
			}
		}
		return true
	})
	return ids
}

func plain(list ...ast.Expr) (ids []*ast.Ident) {
	for _, e := range list {
		if id, ok := e.(*ast.Ident); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func lowerFirst(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// camelWords splits an identifier: newHTTPVisitor_x is new, http, visitor and x.
func camelWords(name string) (words []string) {
	r, start := []rune(name), 0
	for i := 1; i <= len(r); i++ {
		if i == len(r) || r[i] == '_' || r[i-1] == '_' || unicode.IsUpper(r[i]) && (!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])) {
			words = append(words, strings.ToLower(string(r[start:i])))
			start = i
		}
	}
	return words
}

// bannedProse finds phrases of the list in comments and string literals of Go files.
func bannedProse(files []file) []string {
	var found []string
	for _, f := range files {
		if ownText(f.path) {
			continue
		}
		for _, group := range f.tree.Comments {
			for _, c := range group.List {
				found = append(found, inText(f.path, f.fset.Position(c.Pos()).Line, c.Text)...)
			}
		}
		ast.Inspect(f.tree, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				found = append(found, inText(f.path, f.fset.Position(lit.Pos()).Line, lit.Value)...)
			}
			return true
		})
	}
	return found
}

// inText finds phrases of the list in a text that begins at a line of a file.
func inText(name string, line int, text string) []string {
	all, each := phrases()
	if !all.MatchString(text) { // nearly always, and much faster than one after the other
		return nil
	}
	var found []string
	for _, p := range each {
		for i, l := range strings.Split(text, "\n") {
			for _, at := range p.re.FindAllStringIndex(l, -1) {
				match := strings.TrimSpace(l[at[0]:at[1]])
				if p.unless == nil || !p.unless.MatchString(match) {
					found = append(found, fmt.Sprintf("%s:%d: %q; write: %s", name, line+i, match, p.use))
				}
			}
		}
	}
	return found
}

type compiledPhrase struct {
	re, unless *regexp.Regexp
	use        string
}

// phrases compiles the list: one pattern that matches if any phrase of the list does, and each of them.
var phrases = sync.OnceValues(func() (all *regexp.Regexp, each []compiledPhrase) {
	var patterns []string
	for _, p := range bannedPhrases() {
		patterns = append(patterns, p.pattern)
		c := compiledPhrase{re: regexp.MustCompile(`(?i)\b(?:` + p.pattern + `)\b`), use: p.use}
		if p.unless != "" {
			c.re = regexp.MustCompile(`(?i)(?:\b[\w']+ )?\b(?:` + p.pattern + `)\b`)
			c.unless = regexp.MustCompile(`(?i)` + p.unless)
		}
		each = append(each, c)
	}
	return regexp.MustCompile(`(?i)\b(?:` + strings.Join(patterns, "|") + `)\b`), each
})

// documentation reads the pages that are written by hand or made from help texts.
func documentation(t *testing.T) map[string]string {
	t.Helper()
	root := moduleRoot(t)
	pages := map[string]string{}
	read := func(p string) {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.ToSlash(rel)] = string(text)
	}
	for _, p := range []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md"} {
		read(filepath.Join(root, p))
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".md") {
			read(p)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return pages
}

func TestWords(t *testing.T) {
	t.Parallel()
	files := moduleFiles(t)
	found := slices.Concat(bannedIdentifiers(files), bannedProse(files))
	for name, text := range documentation(t) {
		found = append(found, inText(name, 1, text)...)
	}
	report(t, found)
}

func TestWordsRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		path, text string
		want       []string
	}{
		"type":                 {text: "type visitor struct{}", want: []string{"p.go:2: name visitor; the term is: client"}},
		"part of a function":   {text: "func newVisitorConn() {}", want: []string{"name newVisitorConn"}},
		"method":               {text: "type t int\nfunc (t) HandOver() {}", want: []string{"name HandOver"}},
		"field":                {text: "type t struct{ area int }", want: []string{"name area"}},
		"parameter":            {text: "func f(world int) {}", want: []string{"name world"}},
		"result":               {text: "func f() (spent int) { return 0 }", want: []string{"name spent"}},
		"constant":             {text: "const stamp = 1", want: []string{"name stamp"}},
		"local variable":       {text: "func f() { kit := 1; _ = kit }", want: []string{"name kit"}},
		"loop variable":        {text: "func f() { for pulse := range 3 { _ = pulse } }", want: []string{"name pulse"}},
		"folder":               {path: "internal/testkit/desk/d.go", want: []string{`"desk" in the name of a file`}},
		"file":                 {path: "internal/p/visitor_test.go", want: []string{`"visitor" in the name of a file`}},
		"code exchange":        {text: "func exchange() {}\nfunc codeExchange() {}"},
		"state of a request":   {text: "type exchange struct{}", want: []string{"name exchange"}},
		"timestamp":            {text: "const timestamp, kitchen, younger = 1, 2, 3"},
		"name of another":      {text: "import \"net/http\"\nvar _ = http.MethodHead"},
		"only used":            {text: "func f() { g.visitor() }"},
		"comment":              {text: "// A visitor comes.", want: []string{`p.go:2: "visitor"; write: client`}},
		"block comment":        {text: "/* one\ntwo, whoever */", want: []string{`p.go:3: "whoever"`}},
		"string":               {text: "const c = \"Whoever this is\"", want: []string{`"Whoever"`}},
		"raw string":           {text: "const c = `a\nsomebody`", want: []string{`p.go:3: "somebody"`}},
		"no host":              {text: "// this is no host", want: []string{`"this is no host"`}},
		"there is no host":     {text: "// there is no host, and it is no longer known; there are no others"},
		"begins with it":       {text: "// is no host", want: []string{`"is no host"`}},
		"network that is none": {text: "// a network that is none", want: []string{`"that is none"`}},
		"there is none":        {text: "// the default where there is none"},
		"twice":                {text: "// the header is there twice", want: []string{`"is there twice"`}},
		"belongs":              {text: "// the file is of another app", want: []string{`"is of another"`}},
		"of a type":            {text: "// the value is of type string"},
		"this file":            {path: "internal/arch/words_test.go", text: "// whoever"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.path == "" {
				tc.path = "internal/p/p.go"
			}
			files := []file{parse(t, tc.path, "package p\n"+tc.text+"\n")}
			expect(t, append(bannedIdentifiers(files), bannedProse(files)...), tc.want...)
		})
	}
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		expect(t, inText("docs/p.md", 1, "# Title\n\nEach visitor and somebody\n"), `docs/p.md:3: "visitor"`, `docs/p.md:3: "somebody"`)
	})
}
