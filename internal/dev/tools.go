package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// A goTool is a program built from its Go module at a fixed version, outside the product's go.mod.
type goTool struct{ name, pkg, version string }

var (
	golangciLint = goTool{"golangci-lint", "github.com/golangci/golangci-lint/v2/cmd/golangci-lint", "v2.15.0"}
	deadcode     = goTool{"deadcode", "golang.org/x/tools/cmd/deadcode", "v0.51.0"}
	goreleaser   = goTool{"goreleaser", "github.com/goreleaser/goreleaser/v2", "v2.16.0"}
)

// goTool returns the path of the tool, building it the first time. The Go version is part of its name: a
// linter can not read packages of a newer Go than its own.
func (w *workspace) goTool(ctx context.Context, t goTool) (string, error) {
	name := t.name
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	home := filepath.Join(w.cache, "go-tools", fmt.Sprintf("%s-%s-%s", t.name, t.version, runtime.Version()))
	tool := filepath.Join(home, name)
	if _, err := os.Stat(tool); err == nil {
		return tool, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", err
	}
	building, err := os.MkdirTemp(filepath.Dir(home), "building-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(building)
	if err := w.fetch(ctx, w.static("GOBIN="+building), "go", "install", t.pkg+"@"+t.version); err != nil {
		return "", err
	}
	if err := os.Rename(building, home); err != nil { // another run may have been faster
		if _, there := os.Stat(tool); there != nil {
			return "", err
		}
	}
	return tool, nil
}
