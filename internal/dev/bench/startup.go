package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

// runsPerRound is how often a program is started in its turn; the sum counts, as one start is too short to time.
const runsPerRound = 3

// startBound is the most processor time that a start may take, as a part of the Python tool's.
const startBound = 0.02

// within reports whether the median of ratios keeps a bound.
func within(ratios series.Series, bound float64) string {
	switch {
	case len(ratios) == 0:
		return "not measured"
	case ratios.Median() <= bound:
		return "within the bound"
	default:
		return "**missed**"
	}
}

// Startup times what every call of the command line pays: the version, the help, the help of a command. It
// writes a table of medians of the ratios of each round, with their range.
func Startup(ctx context.Context, out io.Writer, p Programs, rounds int) error {
	fmt.Fprintln(out, "| command | ours | Python tool | bare cobra | ours / Python tool, wall | CPU | bound, CPU | | ours / bare cobra, wall | CPU |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, args := range [][]string{{"--version"}, {"--help"}, {"auth", "--help"}} {
		results, err := starts(ctx, []string{p.Peer, p.Ours, p.Bare}, rounds, args...)
		if err != nil {
			return err
		}
		peer, ours, bare := results[0], results[1], results[2]
		cpu := ours.cpu.Over(peer.cpu)
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s | %s | %.2f | %s | %s | %s |\n", strings.Join(args, " "),
			seconds(ours.wall), seconds(peer.wall), seconds(bare.wall),
			ours.wall.Over(peer.wall).Ratio(), cpu.Ratio(), startBound, within(cpu, startBound),
			ours.wall.Over(bare.wall).Ratio(), ours.cpu.Over(bare.cpu).Ratio())
	}
	return nil
}

// Floors times what programs take that do nothing, for want of which nothing can be faster.
func Floors(ctx context.Context, out io.Writer, p Programs, rounds int) error {
	names := []string{"bare cobra", "... with the libraries of the command line", "... with the C library, as `go build` makes it", "ours"}
	results, err := starts(ctx, []string{p.Bare, p.BareLinked, p.BareDynamic, p.Ours}, rounds, "--version")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "| `--version` | wall | / bare cobra | CPU / bare cobra |")
	fmt.Fprintln(out, "| --- | --- | --- | --- |")
	for i, r := range results {
		fmt.Fprintf(out, "| %s | %s | %s | %s |\n", names[i], seconds(r.wall), r.wall.Over(results[0].wall).Ratio(), r.cpu.Over(results[0].cpu).Ratio())
	}
	return nil
}

// starts lets programs take turns.
func starts(ctx context.Context, programs []string, rounds int, args ...string) ([]costs, error) {
	home, err := os.MkdirTemp("", "bench-home-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	env := environment(home, "http://localhost:8000")
	results := make([]costs, len(programs))
	for round := range rounds + 1 {
		for turn := range programs {
			who := (turn + round) % len(programs)
			var sum sample
			for range runsPerRound {
				s, err := measure(ctx, home, env, programs[who], args...)
				if err != nil {
					return nil, err
				}
				sum.wall, sum.cpu, sum.peak = sum.wall+s.wall/runsPerRound, sum.cpu+s.cpu/runsPerRound, s.peak
			}
			if round > 0 { // the first warms up
				results[who].add(sum)
			}
		}
	}
	return results, nil
}
