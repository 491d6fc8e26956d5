package main

import (
	"context"
	"flag"
	"path/filepath"
)

// releaseTask reads .goreleaser.yaml with goreleaser's own strict reader. With --snapshot it builds goreleaser
// (several minutes) and lets it make every package of a release in dist, without publishing anything.
func releaseTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("release-check", flag.ContinueOnError)
	f.SetOutput(w.out)
	snapshot := f.Bool("snapshot", false, "build all archives and packages into dist")
	if err := f.Parse(args); err != nil {
		return err
	}
	check := []string{"run", "-C", filepath.Join("internal", "dev", "release"), ".",
		filepath.Join(w.root, ".goreleaser.yaml")}
	for _, p := range platforms() {
		check = append(check, p.os+"/"+p.arch)
	}
	if err := w.run(ctx, w.static(), "go", check...); err != nil || !*snapshot {
		return err
	}
	tool, err := w.goTool(ctx, goreleaser)
	if err != nil {
		return err
	}
	if err := w.run(ctx, w.static(), tool, "check"); err != nil {
		return err
	}
	return w.run(ctx, w.static(), tool, "release", "--snapshot", "--clean")
}
