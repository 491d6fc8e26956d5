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
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
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

// fuzz runs every target of the tree for a time or a number of inputs, written as the go command has them, and as many
// packages at once as there are processors. An input that fails is kept in the package's testdata/fuzz, where it becomes
// a test: commit it with the fix.
func (w *workspace) fuzz(ctx context.Context, env []string, each string) error {
	packages, err := w.testFunctions("Fuzz")
	if err != nil {
		return err
	}
	built, err := os.MkdirTemp("", "ploomber-cloud-fuzz-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built)
	targets := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	var printing sync.Mutex // what a target prints stays together
	for i, p := range packages {
		targets += len(p.funcs)
		group.Go(func() error {
			binary := filepath.Join(built, fmt.Sprintf("%d.test", i))
			return w.fuzzPackage(ctx, env, each, p, binary, &printing)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(w.out, "%d fuzz targets, %s each\n", targets, each)
	return nil
}

// fuzzPackage builds the tests of one package, once for all its targets, and runs these one after the other.
func (w *workspace) fuzzPackage(ctx context.Context, env []string, each string, p testPackage, binary string, printing sync.Locker) error {
	var printed bytes.Buffer
	show := func() {
		printing.Lock()
		defer printing.Unlock()
		_, _ = printed.WriteTo(w.out)
	}
	defer show()
	quiet := *w
	quiet.out = &printed
	// -fuzz has the compiler count coverage, without which the engine would be blind
	if err := quiet.run(ctx, env, "go", "test", "-vet=off", "-c", "-fuzz=.", "-o", binary, p.dir); err != nil {
		return err
	}
	for _, name := range p.funcs {
		if err := quiet.fuzzOne(ctx, env, each, name, p.dir, binary); err != nil {
			return err
		}
		show()
	}
	return nil
}

// fuzzOne runs one target. Where the fuzz engine has given up, which on a busy machine says nothing about an input, the
// target is run once more as a plain test, with its seeds and what the engine has kept: that decides.
func (w *workspace) fuzzOne(ctx context.Context, env []string, each, name, dir, binary string) error {
	kept := filepath.Join(w.root, filepath.FromSlash(dir), "testdata", "fuzz", name)
	before, err := names(kept)
	if err != nil {
		return err
	}
	var printed bytes.Buffer
	both := *w
	both.out = io.MultiWriter(w.out, &printed)
	found := both.runIn(ctx, dir, env, binary, "-test.run=^$", "-test.fuzz=^"+name+"$", "-test.fuzztime="+each,
		"-test.fuzzminimizetime=10x", "-test.fuzzcachedir="+filepath.Join(w.cache, "fuzz", dir), "-test.parallel=1")
	if found == nil || ctx.Err() != nil || !gaveUp(printed.String()) {
		return found
	}
	if err := w.runIn(ctx, dir, env, binary, "-test.run=^"+name+"$", "-test.timeout=5m"); err != nil {
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
