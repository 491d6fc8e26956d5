package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
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
			if err := w.fuzzOne(ctx, env, each, name, p.dir); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(w.out, "%d fuzz targets, %s each\n", targets, each)
	return nil
}

// fuzzOne runs one target. The go command sometimes calls it a failure that the time ran out while an input was
// being tried; a real one names the input that it has written.
func (w *workspace) fuzzOne(ctx context.Context, env []string, each time.Duration, name, dir string) error {
	var printed bytes.Buffer
	both := *w
	both.out = io.MultiWriter(w.out, &printed)
	err := both.run(ctx, env, "go", "test", "-vet=off", "-run=^$", "-fuzz=^"+name+"$",
		"-fuzztime="+each.String(), "-fuzzminimizetime=10x", dir)
	if err != nil && outOfTime(printed.String()) {
		fmt.Fprintf(w.out, "%s: its time ran out, no input failed\n", name)
		return nil
	}
	return err
}

func outOfTime(printed string) bool {
	return strings.Contains(printed, "\n    context deadline exceeded\n") && !strings.Contains(printed, "Failing input written")
}
