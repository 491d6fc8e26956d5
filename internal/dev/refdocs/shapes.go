package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// packages are the packages of the commands, by the name of the command at the top: what their source tells about
// results.
type packages map[string]pkg

type pkg struct {
	structs map[string]*ast.StructType
	results []result
}

// result is a struct whose comment says that it is what --json prints.
type result struct {
	typ     string
	command string // below the top one, such as "status"; "" is the top one
	flag    string // such as "--dry-run"; "" where none is needed
	remark  string
}

// readPackages reads the packages <name>cmd below dir.
func readPackages(dir string, root *cobra.Command) (packages, error) {
	all := packages{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, isCommand := strings.CutSuffix(e.Name(), "cmd")
		if !isCommand || !e.IsDir() {
			continue
		}
		r, err := readPackage(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		tops := []string{name}
		if name == "service" {
			tops = []string{"start", "stop"}
		}
		for _, top := range tops {
			if c, _, err := root.Find([]string{top}); err != nil || c == root {
				continue // a package that is not wired yet
			}
			all[top] = r
		}
	}
	return all, nil
}

func readPackage(dir string) (pkg, error) {
	r := pkg{structs: map[string]*ast.StructType{}}
	files, err := fs.Glob(os.DirFS(dir), "*.go")
	if err != nil {
		return r, err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return r, err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return r, err
		}
		r.add(tree)
	}
	return r, nil
}

func (r *pkg) add(tree *ast.File) {
	for _, d := range tree.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			spec := s.(*ast.TypeSpec)
			body, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			r.structs[spec.Name.Name] = body
			comment := g.Doc.Text()
			if spec.Doc != nil {
				comment = spec.Doc.Text()
			}
			if found, ok := documented(comment); ok {
				found.typ = spec.Name.Name
				r.results = append(r.results, found)
			}
		}
	}
}

// documented reads comments such as "x is what 'key status --json' prints" and "x is what --dry-run --json prints: more".
func documented(comment string) (result, bool) {
	text := strings.Join(strings.Fields(comment), " ")
	m := regexp.MustCompile(`\bis what '?((?:[a-z-]+ )*)--json'? prints[:,.]? ?(.*)$`).FindStringSubmatch(text)
	if m == nil {
		return result{}, false
	}
	r := result{remark: strings.TrimSuffix(m[2], ".")}
	for i, word := range strings.Fields(m[1]) {
		switch {
		case strings.HasPrefix(word, "-"):
			r.flag = strings.TrimSpace(r.flag + " " + word)
		case i > 0: // the first is the command at the top
			r.command = strings.TrimSpace(r.command + " " + word)
		}
	}
	return r, true
}

// shape is a result with its fields, ready to be written.
type shape struct {
	result
	rows []string
}

// shapes are the results of a command.
func (rs packages) shapes(c *cobra.Command) []shape {
	_, path, _ := strings.Cut(c.CommandPath(), " ")
	top, below, _ := strings.Cut(path, " ")
	r := rs[top]
	var out []shape
	for _, found := range r.results {
		if found.command == below {
			out = append(out, shape{found, r.fields(r.structs[found.typ], "")})
		}
	}
	slices.SortStableFunc(out, func(a, b shape) int { return strings.Compare(a.flag, b.flag) })
	return out
}

func (s shape) write(b *bytes.Buffer) {
	b.WriteString("## Result of " + strings.TrimSpace(s.flag+" --json") + "\n\n")
	if s.remark != "" {
		b.WriteString(strings.ToUpper(s.remark[:1]) + plain(s.remark[1:]) + ".\n\n")
	}
	b.WriteString("| field | is | |\n| --- | --- | --- |\n" + strings.Join(s.rows, "") + "\n")
}

// fields renders the fields of a struct, including those of nested structs of the package.
func (r pkg) fields(body *ast.StructType, prefix string) (rows []string) {
	for _, f := range body.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			continue
		}
		name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		kind, inner := describe(f.Type)
		if strings.Contains(options, "omitempty") {
			kind += ", may be absent"
		}
		comment := f.Comment.Text()
		if f.Doc != nil {
			comment = f.Doc.Text()
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", prefix+name, kind, cell(comment)))
		if nested := r.structs[inner]; nested != nil && nested != body {
			if strings.HasPrefix(kind, "list") {
				name += "[]"
			}
			rows = append(rows, r.fields(nested, prefix+name+".")...)
		}
	}
	return rows
}

// describe says in JSON's words what a type is; inner is the name of the type within lists and pointers.
func describe(t ast.Expr) (kind, inner string) {
	switch t := t.(type) {
	case *ast.StarExpr:
		return describe(t.X)
	case *ast.ArrayType:
		kind, inner = describe(t.Elt)
		return "list of " + kind + "s", inner
	case *ast.MapType:
		return "object", ""
	case *ast.SelectorExpr: // of another package: a name such as a feature, unless it is known to be more
		switch t.Sel.Name {
		case "Resources", "RawMessage":
			return "object", ""
		case "Duration":
			return "number", ""
		}
		return "string", ""
	case *ast.Ident:
		switch t.Name {
		case "bool":
			return "boolean", ""
		case "int", "int64", "float64":
			return "number", ""
		case "string":
			return "string", ""
		}
		if t.Obj != nil {
			if spec, ok := t.Obj.Decl.(*ast.TypeSpec); ok {
				if _, isText := spec.Type.(*ast.Ident); isText {
					return "string", ""
				}
			}
		}
		return "object", t.Name
	}
	return "value", ""
}
