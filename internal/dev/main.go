// Command dev runs the project's developer tasks: go run ./internal/dev <task>. It installs what a task
// needs into a cache folder outside the repository. It knows commands and files of the project, never its
// packages, so that it still runs when the product does not compile.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// A task is one verb of the developer's command line.
type task struct {
	name, help string
	run        func(ctx context.Context, w *workspace, args []string) error
}

func tasks() []task {
	return []task{
		{"test", "everything a change must pass, as CI runs it", testTask},
		{"lint", "gofmt, go vet and golangci-lint", lintTask},
		{"cross", "compile for Linux, macOS and Windows on amd64 and arm64", crossTask},
		{"fuzz", "look for failing inputs for longer: every fuzz target for half a minute", fuzzTask},
		{"docs", "write docs/reference; --check compares, --man and --completions write for packages", docsTask},
		{"release-check", "validate .goreleaser.yaml; --snapshot builds every package", releaseTask},
		{"pictures", "make the pictures of the README and the guide anew", picturesTask},
		{"bench", "measure against the Python tool (startup, deploy) and other proxies (proxy)", benchTask},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		fmt.Fprintln(out, "usage: go run ./internal/dev <task> [flags]   (flags of a task: <task> -h)")
		for _, t := range tasks() {
			fmt.Fprintf(out, "  %-14s %s\n", t.name, t.help)
		}
		return nil
	}
	for _, t := range tasks() {
		if t.name == args[0] {
			w, err := openWorkspace(ctx, out)
			if err != nil {
				return err
			}
			return t.run(ctx, w, args[1:])
		}
	}
	return fmt.Errorf("no task %q; 'go run ./internal/dev help' lists them", args[0])
}
