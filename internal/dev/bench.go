package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dev/bench"
)

const benchmarksPage = "docs/benchmarks.md"

// benchTask measures and prints tables. With --write it puts each table between its marks in the page of
// benchmarks, so that the page and the command can not drift apart.
func benchTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(w.out)
	rounds := f.Int("rounds", 0, "`number` of rounds; 0 takes 12 for startup, 5 for 50 MB and 3 for 400 MB")
	write := f.Bool("write", false, "put the tables into "+benchmarksPage)
	f.Usage = func() {
		fmt.Fprintln(w.out, "usage: go run ./internal/dev bench [flags] [startup] [deploy]   (both when none is named)")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	programs, err := w.contestants(ctx)
	if err != nil {
		return err
	}
	times := func(usual int) int {
		if *rounds > 0 {
			return *rounds
		}
		return usual
	}
	all := []struct {
		group, mark string
		run         func(out io.Writer) error
	}{
		{"startup", "startup", func(out io.Writer) error { return bench.Startup(ctx, out, programs, times(12)) }},
		{"deploy", "deploy-50", func(out io.Writer) error { return bench.Deploy(ctx, out, programs, 50e6, times(5)) }},
		{"deploy", "deploy-400", func(out io.Writer) error { return bench.Deploy(ctx, out, programs, 400e6, times(3)) }},
	}
	ran := 0
	for _, b := range all {
		if f.NArg() > 0 && !strings.Contains(" "+strings.Join(f.Args(), " ")+" ", " "+b.group+" ") {
			continue
		}
		ran++
		var table bytes.Buffer
		fmt.Fprintf(w.out, "\n%s\n\n", b.mark)
		if err := b.run(io.MultiWriter(w.out, &table)); err != nil {
			return fmt.Errorf("%s: %w", b.mark, err)
		}
		if *write {
			if err := replaceBetweenMarks(filepath.Join(w.root, benchmarksPage), b.mark, table.String()); err != nil {
				return err
			}
		}
	}
	if ran == 0 {
		return fmt.Errorf("no benchmark named %s", strings.Join(f.Args(), " "))
	}
	return nil
}

// contestants installs the Python tool and builds ours as it is released, and the bare cobra program alike.
func (w *workspace) contestants(ctx context.Context) (p bench.Programs, err error) {
	v, err := w.pythonVenv(ctx)
	if err != nil {
		return p, err
	}
	bin := filepath.Join(w.cache, "bench")
	p = bench.Programs{
		Peer: v.program("ploomber-cloud"),
		Ours: filepath.Join(bin, "ploomber-cloud"),
		Bare: filepath.Join(bin, "barecobra"),
	}
	for path, pkg := range map[string]string{p.Ours: "./cmd/ploomber-cloud", p.Bare: "./internal/dev/barecobra"} {
		if err := w.run(ctx, w.static(), "go", "build", "-ldflags=-s -w", "-o", path, pkg); err != nil {
			return p, err
		}
	}
	return p, nil
}

// replaceBetweenMarks replaces what stands between <!-- name --> and <!-- /name --> in a page.
func replaceBetweenMarks(path, name, text string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	open, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok := strings.Cut(string(page), open)
	_, after, found := strings.Cut(rest, end)
	if !ok || !found {
		return fmt.Errorf("%s: no marks %s and %s", path, strings.TrimSpace(open), end)
	}
	return os.WriteFile(path, []byte(before+open+text+end+after), 0o644)
}
