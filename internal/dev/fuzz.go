package main

import (
	"context"
	"flag"
	"fmt"
	"time"
)

func fuzzTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	f.SetOutput(w.out)
	each := f.Duration("fuzztime", 5*time.Second, "`time` for each target")
	if err := f.Parse(args); err != nil {
		return err
	}
	env, err := w.testEnvironment(ctx, "none", true)
	if err != nil {
		return err
	}
	return w.fuzz(ctx, env, *each)
}

// fuzz runs every target of the tree for a while. An input that fails is kept by the go command in the
// package's testdata/fuzz, where it becomes a test: commit it with the fix.
func (w *workspace) fuzz(ctx context.Context, env []string, each time.Duration) error {
	packages, err := w.testFunctions("Fuzz")
	if err != nil {
		return err
	}
	targets := 0
	for _, p := range packages {
		for _, name := range p.funcs {
			targets++
			if err := w.run(ctx, env, "go", "test", "-vet=off", "-run=^$", "-fuzz=^"+name+"$",
				"-fuzztime="+each.String(), p.dir); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(w.out, "%d fuzz targets, %s each\n", targets, each)
	return nil
}
