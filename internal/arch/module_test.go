package arch

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/ploomber/ploomber-cloud"

// A file is one parsed Go source of the module.
type file struct {
	path  string // from the module's root, with slashes
	text  string
	fset  *token.FileSet
	tree  *ast.File
	lines int
}

func (f file) pkg() string { return path.Dir(f.path) }
func (f file) test() bool  { return strings.HasSuffix(f.path, "_test.go") || forTests(f.pkg()) }

// forTests reports whether a package is imported by tests alone: the fakes, and suites such as
// session/sessiontest that are named after what they test.
func forTests(pkg string) bool {
	return matches("internal/testkit/...", pkg) || strings.HasSuffix(path.Base(pkg), "test") && path.Base(pkg) != "test"
}

// at is how a finding names its place.
func (f file) at(p token.Pos) string {
	return f.path + ":" + strconv.Itoa(f.fset.Position(p).Line)
}

// imports returns the import paths of the file by the names under which the file uses them.
func (f file) imports() map[string]string {
	names := map[string]string{}
	for _, spec := range f.tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "_" || name == "." {
			name = name + p // never selected from, still an import
		}
		names[name] = p
	}
	return names
}

// parse makes a file of the text; it fails the test where the text is not Go.
func parse(t *testing.T, name, text string) file {
	t.Helper()
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file{path: name, text: text, fset: fset, tree: tree, lines: strings.Count(text, "\n")}
}

// moduleFiles parses every Go file of the module.
func moduleFiles(t *testing.T) []file {
	t.Helper()
	root := moduleRoot(t)
	var files []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // another test's temporary file that is gone again
			return nil
		}
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || d.Name() == "dist") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		files = append(files, parse(t, filepath.ToSlash(rel), string(text)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, known := range []string{"cmd/ploomber-cloud/main.go", "internal/cli/root.go", "pkg/authproxy/chain.go"} {
		if !slices.ContainsFunc(files, func(f file) bool { return f.path == known }) {
			t.Fatalf("%s is not among the %d Go files below %s; want all of the module", known, len(files), root)
		}
	}
	return files
}

// moduleRoot is the folder of go.mod; tests run in the folder of their package.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// report fails the test with one line for each finding.
func report(t *testing.T, findings []string) {
	t.Helper()
	sort.Strings(findings)
	for _, f := range findings {
		t.Error(f)
	}
}

// expect compares what a rule found in a made-up source with what is wrong with it.
func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("found %d\n%s\nwant %d\n%s", len(got), strings.Join(got, "\n"), len(want), strings.Join(want, "\n"))
	}
	left := slices.Clone(got)
	slices.SortFunc(want, func(a, b string) int { return len(b) - len(a) }) // the most particular first
	for _, w := range want {
		i := slices.IndexFunc(left, func(g string) bool { return strings.Contains(g, w) })
		if i < 0 {
			t.Errorf("nothing names %q among\n%s", w, strings.Join(got, "\n"))
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
}
