package main

import (
	"bytes"
	"context"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"
)

func lintTask(ctx context.Context, w *workspace, _ []string) error {
	if err := w.checkFormat(); err != nil {
		return err
	}
	linter, err := w.goTool(ctx, golangciLint)
	if err != nil {
		return err
	}
	modules, err := w.modules()
	if err != nil {
		return err
	}
	for _, module := range modules {
		if err := w.runIn(ctx, module, w.static(), "go", "vet", "./..."); err != nil {
			return err
		}
		env := w.static("GOLANGCI_LINT_CACHE=" + filepath.Join(w.cache, "golangci-lint"))
		if err := w.runIn(ctx, module, env, linter, "run", "--allow-serial-runners", "./..."); err != nil {
			return err
		}
	}
	return nil
}

// checkFormat names every Go file that gofmt would change.
func (w *workspace) checkFormat() error {
	files, err := w.goFiles()
	if err != nil {
		return err
	}
	var wrong []string
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join(w.root, file))
		if err != nil {
			return err
		}
		formatted, err := format.Source(source)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if !bytes.Equal(source, formatted) {
			wrong = append(wrong, file)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("run gofmt -w %s", strings.Join(wrong, " "))
	}
	fmt.Fprintf(w.out, "gofmt: %d files\n", len(files))
	return nil
}
