package arch

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/token"
	"go/types"
	"path"
	"strings"
	"testing"
)

// wrongState finds package variables that change after start and work that is done before the command is
// known. Files are read once for each operating system, as a build would.
func wrongState(files []file) []string {
	packages := map[string][]file{}
	for _, f := range files {
		if !f.test() {
			packages[f.pkg()+" "+f.tree.Name.Name] = append(packages[f.pkg()+" "+f.tree.Name.Name], f)
		}
	}
	unique := map[string]bool{}
	for _, pkg := range packages {
		for _, system := range []string{"linux", "darwin", "windows"} {
			for _, finding := range packageState(builtOn(system, pkg)) {
				unique[finding] = true
			}
		}
	}
	var found []string
	for finding := range unique {
		found = append(found, finding)
	}
	return found
}

// builtOn keeps the files whose name and build constraints admit the system.
func builtOn(system string, files []file) []file {
	var kept []file
	for _, f := range files {
		ctx := build.Default
		ctx.GOOS, ctx.GOARCH = system, "amd64"
		ctx.OpenFile = openText(f.text)
		if ok, err := ctx.MatchFile("", path.Base(f.path)); err == nil && ok {
			kept = append(kept, f)
		}
	}
	return kept
}

// packageState looks at the files of one package. Names are resolved by the type checker, which is not told
// about imported packages: their types stay unknown, the package's own variables do not.
func packageState(files []file) []string {
	if len(files) == 0 {
		return nil
	}
	fset, trees := token.NewFileSet(), make([]*ast.File, 0, len(files))
	byName := map[string]file{}
	for _, f := range files {
		tree := reparse(fset, f)
		trees = append(trees, tree)
		byName[f.path] = f
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	conf := types.Config{Error: func(error) {}, Importer: noImporter{}}
	pkg, _ := conf.Check(files[0].pkg(), fset, trees, info) // errors are about the imports it was not told
	var found []string
	at := func(p token.Pos, format string, args ...any) {
		place := fset.Position(p)
		found = append(found, fmt.Sprintf("%s:%d: ", place.Filename, place.Line)+fmt.Sprintf(format, args...))
	}
	global := func(e ast.Expr) string {
		if id := rootOf(e); id != nil {
			if v, ok := info.Uses[id].(*types.Var); ok && v.Parent() == pkg.Scope() {
				return v.Name()
			}
		}
		return ""
	}
	for _, tree := range trees {
		ast.Inspect(tree, func(n ast.Node) bool {
			for _, target := range written(n) {
				if name := global(target); name != "" {
					at(n.Pos(), "package variable %s changes after start", name)
				}
			}
			return true
		})
		imports := byName[fset.Position(tree.Pos()).Filename].imports()
		for _, d := range tree.Decls {
			if decl, ok := d.(*ast.GenDecl); ok && decl.Tok == token.VAR {
				for _, spec := range decl.Specs {
					variable(spec.(*ast.ValueSpec), imports, at)
				}
			}
		}
	}
	return found
}

// written returns what a statement changes or hands out for change.
func written(n ast.Node) []ast.Expr {
	switch s := n.(type) {
	case *ast.AssignStmt:
		return s.Lhs
	case *ast.IncDecStmt:
		return []ast.Expr{s.X}
	case *ast.RangeStmt:
		return []ast.Expr{s.Key, s.Value}
	case *ast.UnaryExpr:
		if s.Op == token.AND {
			return []ast.Expr{s.X}
		}
	case *ast.CallExpr:
		if f, ok := s.Fun.(*ast.Ident); ok && len(s.Args) > 0 && (f.Name == "delete" || f.Name == "clear" || f.Name == "copy") {
			return s.Args[:1]
		}
	}
	return nil
}

// rootOf returns the variable that an expression such as v.x[i] begins with.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// variable looks at the declaration of a package variable: its type must not be one that exists to be
// changed, and its value must not cost time before anyone needs it.
func variable(spec *ast.ValueSpec, imports map[string]string, at func(token.Pos, string, ...any)) {
	use := func(n ast.Node) (string, string) {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return "", ""
		}
		x, ok := sel.X.(*ast.Ident)
		if !ok {
			return "", ""
		}
		return imports[x.Name], sel.Sel.Name
	}
	inspect := func(n ast.Node, look func(ast.Node)) {
		if n == nil {
			return
		}
		ast.Inspect(n, func(n ast.Node) bool {
			if _, lazy := n.(*ast.FuncLit); lazy {
				return false // runs when it is called, as in sync.OnceValue(func() ...)
			}
			look(n)
			return true
		})
	}
	changes := func(n ast.Node) {
		from, name := use(n)
		if from == "sync" && !strings.HasPrefix(name, "Once") || from == "sync" && name == "Once" || from == "sync/atomic" {
			at(spec.Pos(), "package variable of type %s.%s is state", from, name)
		}
	}
	costs := func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		from, name := use(call.Fun)
		slow := from == "regexp" && strings.Contains(name, "Compile")
		slow = slow || (from == "text/template" || from == "html/template") && name != "HTMLEscapeString"
		if slow {
			at(spec.Pos(), "%s.%s at start, before the command is known", from, name)
		}
	}
	if spec.Type != nil {
		inspect(spec.Type, changes)
	}
	for _, v := range spec.Values {
		inspect(v, changes)
		inspect(v, costs)
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	report(t, wrongState(moduleFiles(t)))
}
