package arch

import (
	"fmt"
	"go/ast"
	"strings"
	"testing"
)

const browserPackage = modulePath + "/internal/testkit/browser"

// runsAlone reports whether a test's name puts it into the stage of tests that run alone.
func runsAlone(name string) bool {
	return strings.HasPrefix(name, "TestBrowser") || strings.HasPrefix(name, "TestFramework")
}

// wrongBrowserTests finds tests that start a browser under a name that has them run beside all others. A test starts one
// where it, or a function of its package that it calls, calls a function of package browser.
func wrongBrowserTests(files []file) []string {
	type function struct {
		file
		decl *ast.FuncDecl
	}
	packages := map[string][]function{}
	for _, f := range files {
		if !strings.HasSuffix(f.path, "_test.go") || f.pkg() == "internal/dev/pictures" { // pictures are only taken on demand
			continue
		}
		for _, d := range f.tree.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				packages[f.pkg()] = append(packages[f.pkg()], function{f, fn})
			}
		}
	}
	var found []string
	for _, functions := range packages {
		starts := map[string]bool{}
		for before := -1; before < len(starts); {
			before = len(starts)
			for _, fn := range functions {
				if callsBrowser(fn.decl, fn.imports()) || callsOneOf(fn.decl, starts) {
					starts[fn.decl.Name.Name] = true
				}
			}
		}
		for _, fn := range functions {
			name := fn.decl.Name.Name
			if starts[name] && fn.decl.Recv == nil && strings.HasPrefix(name, "Test") && !runsAlone(name) {
				found = append(found, fmt.Sprintf("%s: %s starts a browser, name it TestBrowser…", fn.at(fn.decl.Pos()), name))
			}
		}
	}
	return found
}

func callsBrowser(fn *ast.FuncDecl, imports map[string]string) (calls bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok {
				x, ok := sel.X.(*ast.Ident)
				calls = calls || ok && imports[x.Name] == browserPackage
			}
		}
		return true
	})
	return calls
}

// callsOneOf reports whether the function calls one of these functions of its package.
func callsOneOf(fn *ast.FuncDecl, names map[string]bool) (does bool) {
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			id, ok := call.Fun.(*ast.Ident)
			does = does || ok && names[id.Name]
		}
		return true
	})
	return does
}

func TestRealBrowsersRunAlone(t *testing.T) {
	t.Parallel()
	report(t, wrongBrowserTests(moduleFiles(t)))
}

func TestRealBrowsersRunAloneRefuses(t *testing.T) {
	t.Parallel()
	const start = "func start(t any) { browser.Start(t) }\n"
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"named so":              {text: "func TestBrowserX(t any) { browser.Start(t) }"},
		"with a framework":      {text: "func TestFrameworkX(t any) { browser.Start(t) }"},
		"itself":                {text: "func TestX(t any) { browser.Start(t) }", want: []string{"p_test.go:3: TestX"}},
		"through a function":    {text: start + "func TestX(t any) { start(t) }", want: []string{"TestX"}},
		"through two functions": {text: "func page(t any) { start(t) }\n" + start + "func TestX(t any) { page(t) }", want: []string{"TestX"}},
		"in a subtest":          {text: "func TestX(t T) { t.Run(``, func(t T) { browser.Start(t) }) }", want: []string{"TestX"}},
		"none":                  {text: start + "func TestX(t any) { other(t) }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "package p\nimport \"" + browserPackage + "\"\n" + tc.text + "\n"
			expect(t, wrongBrowserTests([]file{parse(t, "internal/p/p_test.go", text)}), tc.want...)
		})
	}
}
