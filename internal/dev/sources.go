package main

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// A testPackage is a folder, written as ./path for the go command, and the functions asked for in its tests.
type testPackage struct {
	dir   string
	funcs []string
}

// goFiles lists the Go files of the checkout, as paths from its root, without those of testdata and of
// hidden folders.
func (w *workspace) goFiles() ([]string, error) {
	return w.files(func(name string) bool { return strings.HasSuffix(name, ".go") })
}

// modules lists the folders of the Go modules in the checkout: ".", which is the product's, and those of tasks whose
// dependencies the product's must not have.
func (w *workspace) modules() (dirs []string, err error) {
	files, err := w.files(func(name string) bool { return name == "go.mod" })
	for _, file := range files {
		dirs = append(dirs, path.Dir(file))
	}
	return dirs, err
}

func (w *workspace) files(wanted func(name string) bool) ([]string, error) {
	var files []string
	err := filepath.WalkDir(w.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // a temporary file of someone else that is gone again
				return nil
			}
			return err
		}
		name := d.Name()
		if d.IsDir() && path != w.root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "dist") {
			return fs.SkipDir
		}
		if !d.IsDir() && wanted(name) {
			rel, err := filepath.Rel(w.root, path)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	return files, err
}

// testFunctions finds the top-level test functions whose names begin with one of the prefixes. It reads the sources
// instead of asking the test binaries: nothing has to be compiled for it.
func (w *workspace) testFunctions(prefixes ...string) ([]testPackage, error) {
	files, err := w.goFiles()
	if err != nil {
		return nil, err
	}
	found := map[string][]string{}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(w.root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(f.Name.Name, p) }) {
				dir := "./" + filepath.ToSlash(filepath.Dir(file))
				found[dir] = append(found[dir], f.Name.Name)
			}
		}
	}
	var list []testPackage
	for dir, funcs := range found {
		sort.Strings(funcs)
		list = append(list, testPackage{dir, funcs})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].dir < list[j].dir })
	return list, nil
}
