package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func fuzzTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("fuzz", flag.ContinueOnError)
	f.SetOutput(w.out)
	each := f.String("fuzztime", "30s", "`time` for each target, or a number of inputs such as 10000x")
	if err := f.Parse(args); err != nil {
		return err
	}
	env, err := w.testEnvironment(ctx, "none", true)
	if err != nil {
		return err
	}
	return w.fuzz(ctx, env, *each)
}

// fuzz runs every target of the tree for a time or a number of inputs, written as the go command has them. An input that fails is kept by the go command in the
// package's testdata/fuzz, where it becomes a test: commit it with the fix.
func (w *workspace) fuzz(ctx context.Context, env []string, each string) error {
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

// fuzzOne runs one target. Where the fuzz engine has given up, which on a busy machine says nothing about an input, the
// target is run once more as a plain test, with its seeds and what the engine has kept: that decides.
func (w *workspace) fuzzOne(ctx context.Context, env []string, each, name, dir string) error {
	kept := filepath.Join(w.root, filepath.FromSlash(dir), "testdata", "fuzz", name)
	before, err := names(kept)
	if err != nil {
		return err
	}
	var printed bytes.Buffer
	both := *w
	both.out = io.MultiWriter(w.out, &printed)
	found := both.run(ctx, env, "go", "test", "-vet=off", "-run=^$", "-fuzz=^"+name+"$",
		"-fuzztime="+each, "-fuzzminimizetime=10x", dir)
	if found == nil || ctx.Err() != nil || !gaveUp(printed.String()) {
		return found
	}
	if err := w.run(ctx, env, "go", "test", "-vet=off", "-run=^"+name+"$", "-count=1", "-timeout=5m", dir); err != nil {
		return errors.Join(found, err)
	}
	fmt.Fprintf(w.out, "%s: the machine was too slow for the fuzz engine, no input fails\n", name)
	return removeOthers(kept, before)
}

// gaveUp reports whether the fuzz engine speaks of its own trouble: its time was over while an input was tried, an input
// took ten seconds, a process of its own has gone. A failure of the target itself is indented deeper.
func gaveUp(printed string) bool {
	for line := range strings.Lines(printed) {
		said, ok := strings.CutPrefix(line, "    ")
		if ok && (said == "context deadline exceeded\n" || strings.HasPrefix(said, "fuzzing process ") ||
			strings.HasPrefix(said, "communicating with fuzzing process: ")) {
			return true
		}
	}
	return false
}

// names lists what is in a folder, which need not exist.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list, nil
}

// removeOthers removes from a folder all but what is to stay.
func removeOthers(dir string, stay []string) error {
	now, err := names(dir)
	if err != nil {
		return err
	}
	for _, name := range now {
		if !slices.Contains(stay, name) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	if len(stay) == 0 && len(now) > 0 {
		return os.Remove(dir) // the engine has made it
	}
	return nil
}
