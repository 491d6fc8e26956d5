package main

import (
	"context"
	"os"
	"path/filepath"
)

// docsTask runs the generator, a program of its own because it compiles the whole command line and this one
// must not. Its flags are passed on.
func docsTask(ctx context.Context, w *workspace, args []string) error {
	if len(goFilesIn(w.root, "internal", "cli")) == 0 {
		return w.notYet("internal/cli")
	}
	return w.run(ctx, w.static(), "go", append([]string{"run", "./internal/dev/refdocs"}, args...)...)
}

func goFilesIn(path ...string) []string {
	files, err := filepath.Glob(filepath.Join(append(path, "*.go")...))
	if err != nil { // only a malformed pattern, which a checkout with brackets in its path would make
		if _, err := os.Stat(filepath.Join(path...)); err == nil {
			return path
		}
	}
	return files
}
