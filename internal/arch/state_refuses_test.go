package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"strings"
	"testing"
)

// noImporter is an importer without any packages.
type noImporter struct{}

func (noImporter) Import(path string) (*types.Package, error) {
	return nil, fmt.Errorf("%s is not loaded", path)
}

// openText stands in for the file system where go/build reads build constraints.
func openText(text string) func(string) (io.ReadCloser, error) {
	return func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

// reparse reads a file that was parsed before into another set of positions: the type checker wants all files
// of a package in one.
func reparse(fset *token.FileSet, f file) *ast.File {
	tree, _ := parser.ParseFile(fset, f.path, f.text, parser.SkipObjectResolution) // it was parsed once already
	return tree
}

func TestStateRefuses(t *testing.T) {
	t.Parallel()
	const changes = "v changes after start"
	for name, tc := range map[string]struct {
		text string // of p.go
		more string // of a second file of the package, where there is one
		want []string
	}{
		"assigned":               {text: "var v int\nfunc f() { v = 1 }", want: []string{"p.go:3: package variable " + changes}},
		"assigned elsewhere":     {text: "var v int", more: "func f() { v = 1 }", want: []string{"q.go:2: package variable " + changes}},
		"counted":                {text: "var v int\nfunc f() { v++ }", want: []string{changes}},
		"added to":               {text: "var v int\nfunc f() { v += 2 }", want: []string{changes}},
		"element set":            {text: "var v = map[string]int{}\nfunc f() { v[\"a\"] = 1 }", want: []string{changes}},
		"element deleted":        {text: "var v = map[string]int{}\nfunc f() { delete(v, \"a\") }", want: []string{changes}},
		"field set":              {text: "var v struct{ a int }\nfunc f() { v.a = 1 }", want: []string{changes}},
		"field of unknown type":  {text: "import \"net/http\"\nvar v = http.Client{}\nfunc f() { v.Timeout = 1 }", want: []string{changes}},
		"address taken":          {text: "var v int\nfunc f() *int { return &v }", want: []string{changes}},
		"filled by a loop":       {text: "var v int\nfunc f() { for v = range 3 {} }", want: []string{changes}},
		"never changed":          {text: "var v = []int{1}\nfunc f() int { return v[0] }"},
		"local of the same name": {text: "var v int\nfunc f() { v := 1; v++; _ = v }"},
		"parameter of that name": {text: "var v int\nfunc f(v int) { v = 2 }"},
		"field of that name":     {text: "var v int\ntype t struct{ v int }\nfunc f(x t) { x.v = 2; _ = t{v: 3} }"},
		"mutex":                  {text: "import \"sync\"\nvar v sync.Mutex", want: []string{"sync.Mutex is state"}},
		"atomic":                 {text: "import \"sync/atomic\"\nvar v atomic.Int64", want: []string{"atomic.Int64 is state"}},
		"pool":                   {text: "import \"sync\"\nvar v = sync.Pool{}", want: []string{"sync.Pool is state"}},
		"regular expression":     {text: "import \"regexp\"\nvar v = regexp.MustCompile(`a`)", want: []string{"regexp.MustCompile at start"}},
		"one in a list":          {text: "import \"regexp\"\nvar v = []any{regexp.MustCompile(`a`)}", want: []string{"regexp.MustCompile at start"}},
		"template": {
			text: "import \"html/template\"\nvar v = template.Must(template.New(\"\").Parse(``))",
			want: []string{"html/template.Must at start", "html/template.New at start"},
		},
		"regular expression on demand": {text: "import (\"regexp\"; \"sync\")\nvar v = sync.OnceValue(func() any { return regexp.MustCompile(`a`) })"},
		"regular expression inside":    {text: "import \"regexp\"\nfunc f() { _ = regexp.MustCompile(`a`) }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := []file{parse(t, "internal/p/p.go", "package p\n"+tc.text+"\n")}
			if tc.more != "" {
				files = append(files, parse(t, "internal/p/q.go", "package p\n"+tc.more+"\n"))
			}
			expect(t, wrongState(files), tc.want...)
		})
	}
	t.Run("only on another system", func(t *testing.T) {
		t.Parallel()
		other := parse(t, "internal/p/p_windows.go", "package p\nvar v int\nfunc f() { v = 1 }\n")
		tagged := parse(t, "internal/p/q.go", "//go:build darwin\n\npackage p\nvar v int\nfunc f() { v = 1 }\n")
		expect(t, wrongState([]file{other, tagged}), "p_windows.go:3", "q.go:5")
	})
}
