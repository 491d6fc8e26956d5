package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// A platform is a pair of GOOS and GOARCH that is released.
type platform struct{ os, arch string }

func platforms() []platform {
	return []platform{
		{"linux", "amd64"}, {"linux", "arm64"},
		{"darwin", "amd64"}, {"darwin", "arm64"},
		{"windows", "amd64"}, {"windows", "arm64"},
	}
}

// crossTask compiles the program for every released platform, and the tests where they are not run.
func crossTask(ctx context.Context, w *workspace, _ []string) error {
	if !w.has("cmd", "ploomber-cloud", "main.go") {
		return w.notYet("cmd/ploomber-cloud")
	}
	var failed error
	for _, p := range platforms() {
		env := w.static("GOOS="+p.os, "GOARCH="+p.arch)
		if err := w.run(ctx, env, "go", "build", "-o", os.DevNull, "./cmd/ploomber-cloud"); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s/%s: %w", p.os, p.arch, err)) // all platforms in one report
		}
	}
	if failed != nil {
		return failed
	}
	for _, p := range []platform{{"windows", "amd64"}, {"darwin", "arm64"}} {
		// vet reads the tests too; its printf check alone needs no second look at every dependency
		if err := w.run(ctx, w.static("GOOS="+p.os, "GOARCH="+p.arch), "go", "vet", "./..."); err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
	}
	return nil
}
