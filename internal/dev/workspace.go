package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// cacheVariable moves the cache folder; tests find their own part of it under the same name.
const cacheVariable = "PLOOMBER_TEST_CACHE"

// A workspace is the checkout that the tasks work on and the folder for what they install.
type workspace struct {
	root    string // folder of go.mod
	cache   string // tools, virtual environments, package caches; outside the checkout, kept between runs
	goflags string // what the developer's GOFLAGS say already
	out     io.Writer
}

func openWorkspace(ctx context.Context, out io.Writer) (*workspace, error) {
	answer, err := exec.CommandContext(ctx, "go", "env", "GOMOD", "GOFLAGS").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	mod, goflags, _ := strings.Cut(strings.TrimSpace(string(answer)), "\n")
	root := filepath.Dir(strings.TrimSpace(mod))
	if _, err := os.Stat(filepath.Join(root, "internal", "dev")); err != nil {
		return nil, fmt.Errorf("run this inside the checkout: %w", err)
	}
	cache := os.Getenv(cacheVariable)
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no folder for the cache, set %s: %w", cacheVariable, err)
		}
		cache = filepath.Join(base, "ploomber-cloud-dev")
	}
	if cache, err = filepath.Abs(cache); err != nil {
		return nil, err
	}
	return &workspace{root: root, cache: cache, goflags: strings.TrimSpace(goflags), out: out}, os.MkdirAll(cache, 0o755)
}

// has reports whether a file or folder of the checkout exists.
func (w *workspace) has(path ...string) bool {
	_, err := os.Stat(filepath.Join(append([]string{w.root}, path...)...))
	return err == nil
}

// command prepares a command that runs in the checkout, with env added to our own environment.
// A cancelled context interrupts it and, ten seconds later, kills it.
func (w *workspace) command(ctx context.Context, env []string, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = w.root, append(os.Environ(), env...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = 10 * time.Second
	return c
}

// run prints the command, runs it at the root of the checkout and passes its output through.
func (w *workspace) run(ctx context.Context, env []string, name string, args ...string) error {
	return w.runIn(ctx, ".", env, name, args...)
}

// runIn runs the command in a folder of the checkout.
func (w *workspace) runIn(ctx context.Context, dir string, env []string, name string, args ...string) error {
	shown := append(append([]string{}, env...), append([]string{filepath.Base(name)}, args...)...)
	fmt.Fprintln(w.out, "+", strings.Join(shown, " "))
	c := w.command(ctx, env, name, args...)
	c.Dir = filepath.Join(w.root, dir)
	c.Stdout, c.Stderr = w.out, w.out
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	return nil
}

// static is the environment of every build that is not for the race detector: the flavour that is released,
// so lint, cross-compilation, the demo and the release check share one set of compiled packages.
func (w *workspace) static(more ...string) []string {
	flags := strings.TrimSpace(w.goflags + " -trimpath")
	return append([]string{"CGO_ENABLED=0", "GOFLAGS=" + flags}, more...)
}
