package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/ploomber/ploomber-cloud/internal/dev/bench"
	"github.com/ploomber/ploomber-cloud/internal/dev/chart"
)

const (
	benchmarksPage = "docs/benchmarks.md"
	chartPicture   = "docs/images/benchmarks.svg"
)

// benchTask measures and prints tables. With --write it puts each table between its marks in the page of
// benchmarks, so that the page and the command can not drift apart.
func benchTask(ctx context.Context, w *workspace, args []string) error {
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(w.out)
	rounds := f.Int("rounds", 0, "`number` of rounds; 0 takes what each group needs")
	write := f.Bool("write", false, "put the tables into "+benchmarksPage)
	quick := f.Bool("quick", false, "proxy: short slices and few rounds, to see where a change leads")
	profile := f.Bool("profile", false, "proxy: show where our proxy spends its time, in place of the comparison")
	draw := f.Bool("chart", false, "measure nothing: draw "+chartPicture+" from the tables that the page has")
	f.Usage = func() {
		fmt.Fprintln(w.out, "usage: go run ./internal/dev bench [flags] [startup] [deploy] [proxy] [platform]   (all when none is named)")
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	if *draw {
		return w.drawChart()
	}
	tool := sync.OnceValues(func() (bench.Programs, error) { return w.contestants(ctx) })
	against := func(usual int, run func(ctx context.Context, out io.Writer, p bench.Programs, rounds int) error) func(io.Writer) error {
		return func(out io.Writer) error {
			p, err := tool()
			if err != nil {
				return err
			}
			return run(ctx, out, p, cmp.Or(*rounds, usual))
		}
	}
	deploy := func(size int64) func(context.Context, io.Writer, bench.Programs, int) error {
		return func(ctx context.Context, out io.Writer, p bench.Programs, rounds int) error {
			return bench.Deploy(ctx, out, p, size, rounds)
		}
	}
	proxies := benchmark{"proxy", "proxy", func(out io.Writer) error {
		return w.benchProxy(ctx, out, fmt.Sprintf("-rounds=%d", *rounds), fmt.Sprintf("-quick=%t", *quick))
	}}
	if *profile {
		proxies = benchmark{"proxy", "proxy-profile", func(out io.Writer) error { return w.profileProxy(ctx, out) }}
	}
	return w.bench([]benchmark{
		{"startup", "startup", against(12, bench.Startup)},
		{"startup", "startup-floors", against(40, bench.Floors)},
		{"deploy", "deploy-50", against(5, deploy(50e6))},
		{"deploy", "deploy-400", against(3, deploy(400e6))},
		proxies,
		{"platform", "platform", against(10, func(ctx context.Context, out io.Writer, p bench.Programs, rounds int) error {
			return bench.Platform(ctx, out, p.Ours, "python3", rounds)
		})},
	}, f.Args(), *write)
}

// A benchmark writes one table.
type benchmark struct {
	group string // as the command line names it
	mark  string // of the table's place in the page
	run   func(table io.Writer) error
}

// bench runs the benchmarks of the named groups; of all where none is named.
func (w *workspace) bench(all []benchmark, groups []string, write bool) error {
	for _, group := range groups {
		if !slices.ContainsFunc(all, func(b benchmark) bool { return b.group == group }) {
			return fmt.Errorf("no benchmark named %s", group)
		}
	}
	for _, b := range all {
		if len(groups) > 0 && !slices.Contains(groups, b.group) {
			continue
		}
		var table bytes.Buffer
		fmt.Fprintf(w.out, "\n%s\n\n", b.mark)
		if err := b.run(io.MultiWriter(w.out, &table)); err != nil {
			return fmt.Errorf("%s: %w", b.mark, err)
		}
		if write {
			if err := replaceBetweenMarks(filepath.Join(w.root, benchmarksPage), b.mark, table.String()); err != nil {
				return err
			}
		}
	}
	if write {
		return w.drawChart()
	}
	return nil
}

// drawChart draws the page's figures.
func (w *workspace) drawChart() error {
	page, err := os.ReadFile(filepath.Join(w.root, benchmarksPage))
	if err != nil {
		return err
	}
	svg, err := chart.Draw(string(page))
	if err != nil {
		return fmt.Errorf("%s: %w", benchmarksPage, err)
	}
	return os.WriteFile(filepath.Join(w.root, chartPicture), []byte(svg), 0o644)
}

// contestants installs the Python tool and builds ours as it is released, and the bare cobra program alike.
func (w *workspace) contestants(ctx context.Context) (p bench.Programs, err error) {
	v, err := w.pythonVenv(ctx)
	if err != nil {
		return p, err
	}
	bin := filepath.Join(w.cache, "bench")
	const bare = "./internal/dev/barecobra"
	p = bench.Programs{
		Peer:        v.program("ploomber-cloud"),
		Ours:        filepath.Join(bin, "ploomber-cloud"),
		Bare:        filepath.Join(bin, "barecobra"),
		BareLinked:  filepath.Join(bin, "barecobra-linked"),
		BareDynamic: filepath.Join(bin, "barecobra-dynamic"),
	}
	return p, errors.Join(
		w.buildAs(ctx, p.Ours, w.static(), "./cmd/ploomber-cloud"),
		w.buildAs(ctx, p.Bare, w.static(), bare),
		w.buildAs(ctx, p.BareLinked, w.static(), "-tags=libraries", bare),
		w.buildAs(ctx, p.BareDynamic, w.static("CGO_ENABLED=1"), bare))
}

// buildAs builds a package as it is released, but for the environment and the arguments, and copies it to path as
// installers do. A start of the very file that the linker has written takes up to a third more: it went to the file
// cache through a memory map, page by page, and is mapped from there page by page again.
func (w *workspace) buildAs(ctx context.Context, path string, env []string, args ...string) error {
	linked := path + ".linked"
	if err := w.run(ctx, env, "go", append([]string{"build", "-ldflags=-s -w", "-o", linked}, args...)...); err != nil {
		return err
	}
	return errors.Join(copyProgram(path, linked), os.Remove(linked))
}

// copyProgram copies a program in small pieces, as installers do: Linux maps more of a file that was written at once, which
// would count as memory of the program.
func copyProgram(to, from string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{in}, make([]byte, 64<<10))
	return err
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
