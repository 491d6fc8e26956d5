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
	return w.checkDeadCode(ctx)
}

// called are functions that no program calls, each with its reason. A name is what deadcode prints.
func called() map[string]string {
	return map[string]string{
		"Key.String":   "keeps a key out of logs, where one is printed by mistake",
		"Key.GoString": "the same",
		"NewStream":    "makes a stream for the tests of every command",
		"Reasons":      "lists all reasons for the tests of every package that shows them",
		"States":       "the same for states",
		"Series.Minus": "for proxybench, a module of its own",
		"Series.Times": "the same",
	}
}

// checkDeadCode names functions that no program of the module can reach, be they called by tests.
func (w *workspace) checkDeadCode(ctx context.Context) error {
	tool, err := w.goTool(ctx, deadcode)
	if err != nil {
		return err
	}
	const template = "{{range .Funcs}}{{.Position}} {{.Name}}\n{{end}}"
	found, err := w.command(ctx, w.static(), tool, "-f", template, "./cmd/...", "./internal/dev/...").Output()
	if err != nil {
		return fmt.Errorf("deadcode: %w", err)
	}
	var dead []string
	for line := range strings.Lines(string(found)) {
		_, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if called()[name] == "" && name != "" {
			dead = append(dead, strings.TrimSpace(line))
		}
	}
	if len(dead) > 0 {
		return fmt.Errorf("no program calls these functions, remove them:\n%s", strings.Join(dead, "\n"))
	}
	fmt.Fprintln(w.out, "deadcode: none")
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
