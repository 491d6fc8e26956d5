package bench

import (
	"fmt"
	"slices"
	"time"
)

// figures are one quantity over all rounds.
type figures []float64

func (f figures) median() float64 {
	if len(f) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(f))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// over divides round by round: what slowed a round down slowed down both.
func (f figures) over(base figures) figures {
	ratios := make(figures, 0, len(f))
	for i := range min(len(f), len(base)) {
		if base[i] > 0 {
			ratios = append(ratios, f[i]/base[i])
		}
	}
	return ratios
}

// ratio writes a median with its range, "0.012 (0.010-0.015)".
func (f figures) ratio() string {
	if len(f) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g (%.3g-%.3g)", f.median(), slices.Min(f), slices.Max(f))
}

func (f figures) seconds() string {
	d := time.Duration(f.median() * float64(time.Second))
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// megabytes writes bytes in MB of 10^6, as the platform counts.
func (f figures) megabytes() string { return fmt.Sprintf("%.1f MB", f.median()/1e6) }

// costs are the samples of one contestant by quantity.
type costs struct{ wall, cpu, peak, size, first figures }

func (c *costs) add(s sample) {
	c.wall = append(c.wall, s.wall.Seconds())
	c.cpu = append(c.cpu, s.cpu.Seconds())
	c.peak = append(c.peak, float64(s.peak))
}
