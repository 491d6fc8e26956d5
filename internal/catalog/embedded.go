package catalog

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// all: because an example may need a file whose name starts with a dot.
//
//go:embed all:embedded
var embedded embed.FS

// Embedded returns the examples built into the program. They need no network, neither to be copied nor to run once
// installed.
func Embedded() Set {
	root, err := fs.Sub(embedded, "embedded")
	if err == nil {
		var examples []Example
		if examples, err = scan(root); err == nil {
			return newSet(examples)
		}
	}
	panic(fmt.Sprintf("catalog: embedded examples: %v", err)) // impossible: the tree is fixed at build time
}

// scan finds the examples of a tree framework/example/… . Files next to the folders are ignored.
func scan(root fs.FS) ([]Example, error) {
	var examples []Example
	frameworks, err := fs.ReadDir(root, ".")
	if err != nil {
		return nil, err
	}
	for _, framework := range frameworks {
		if !framework.IsDir() {
			continue
		}
		folders, err := fs.ReadDir(root, framework.Name())
		if err != nil {
			return nil, err
		}
		for _, folder := range folders {
			if !folder.IsDir() {
				continue
			}
			files, err := fs.Sub(root, path.Join(framework.Name(), folder.Name()))
			if err != nil {
				return nil, err
			}
			e := Example{Framework: framework.Name(), Name: folder.Name(), files: files}
			if e.Title, e.Description, e.parsed, err = describe(files); err != nil {
				return nil, err
			}
			if e.Title == "" {
				e.Title = e.Name
			}
			examples = append(examples, e)
		}
	}
	return examples, nil
}
