package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// d2 draws diagrams from text: https://d2lang.com.
var d2 = goTool{"d2", "oss.terrastruct.com/d2", "v0.7.2"}

// picturesTask makes the pictures of the README and the guide.
func picturesTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("pictures", flag.ContinueOnError)
	f.SetOutput(w.out)
	only := f.String("only", "", "comma-separated `pictures` to make: login, recording, architecture; all when empty")
	if err := f.Parse(args); err != nil {
		return err
	}
	stages, err := pick([]stage{
		{"login", "the login page and the app behind it, in Chromium", w.loginPicture},
		{"recording", "a session at a terminal", w.recording},
		{"architecture", "the drawing of the parts", w.drawing},
	}, *only)
	if err != nil {
		return err
	}
	return runStages(ctx, w.out, stages)
}

// loginPicture takes the screenshot. It is taken by a test, since what drives the browser is there for tests.
func (w *workspace) loginPicture(ctx context.Context) error {
	if _, err := w.installTools(ctx, systemTools("streamlit")); err != nil {
		return err
	}
	return w.run(ctx, nil, "go", "test", "-count=1", "-run", "TestLoginPicture", "./internal/dev/pictures", "-write")
}

func (w *workspace) recording(ctx context.Context) error {
	return w.run(ctx, w.static(), "go", "run", "./internal/dev/recording", "-cache", filepath.Join(w.cache, "recording"))
}

// drawing draws docs/images/architecture.d2. The drawing ends with the hash of its text, by which a test finds that it is
// out of date without drawing it.
func (w *workspace) drawing(ctx context.Context) error {
	tool, err := w.goTool(ctx, d2)
	if err != nil {
		return err
	}
	text := filepath.Join(w.root, "docs", "images", "architecture.d2")
	drawing := filepath.Join(w.root, "docs", "images", "architecture.svg")
	err = w.run(ctx, nil, tool, "--omit-version", "--pad", "16", "--theme", "0", "--dark-theme", "200", text, drawing)
	if err != nil {
		return err
	}
	source, err := os.ReadFile(text)
	if err != nil {
		return err
	}
	svg, err := os.ReadFile(drawing)
	if err != nil {
		return err
	}
	svg = fmt.Appendf(bytes.TrimSpace(svg), "\n<!-- SHA-256 of architecture.d2: %x -->\n", sha256.Sum256(source))
	return os.WriteFile(drawing, svg, 0o644)
}
