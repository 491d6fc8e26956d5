package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
)

// runsPerRound is how often a program is started in its turn; the sum counts, as one start is too short to time.
const runsPerRound = 3

// Startup times what every call of the command line pays: the version, the help, the help of a command. It
// writes a table of medians of the ratios of each round, with their range.
func Startup(ctx context.Context, out io.Writer, p Programs, rounds int) error {
	home, err := os.MkdirTemp("", "bench-home-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(home)
	env := environment(home, "http://localhost:8000")
	programs := []string{p.Peer, p.Ours, p.Bare}

	fmt.Fprintln(out, "| command | ours | Python tool | bare cobra | ours / Python tool, wall | CPU | ours / bare cobra, wall | CPU |")
	fmt.Fprintln(out, "| --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, args := range [][]string{{"--version"}, {"--help"}, {"auth", "--help"}} {
		results := make([]costs, len(programs))
		for round := range rounds + 1 {
			for turn := range programs {
				who := (turn + round) % len(programs)
				var sum sample
				for range runsPerRound {
					s, err := measure(ctx, home, env, programs[who], args...)
					if err != nil {
						return err
					}
					sum.wall, sum.cpu, sum.peak = sum.wall+s.wall/runsPerRound, sum.cpu+s.cpu/runsPerRound, s.peak
				}
				if round > 0 { // the first warms up
					results[who].add(sum)
				}
			}
		}
		peer, ours, bare := results[0], results[1], results[2]
		fmt.Fprintf(out, "| `%s` | %s | %s | %s | %s | %s | %s | %s |\n", strings.Join(args, " "),
			seconds(ours.wall), seconds(peer.wall), seconds(bare.wall),
			ours.wall.Over(peer.wall).Ratio(), ours.cpu.Over(peer.cpu).Ratio(),
			ours.wall.Over(bare.wall).Ratio(), ours.cpu.Over(bare.cpu).Ratio())
	}
	return nil
}
