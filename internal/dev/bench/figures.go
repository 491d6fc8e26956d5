package bench

import (
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

// seconds writes the median of times in seconds.
func seconds(s series.Series) string {
	d := time.Duration(s.Median() * float64(time.Second))
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// megabytes writes the median of bytes in MB of 10^6, as the platform counts.
func megabytes(s series.Series) string { return fmt.Sprintf("%.1f MB", s.Median()/1e6) }

// costs are the samples of one contestant by quantity.
type costs struct{ wall, cpu, peak, size, first series.Series }

func (c *costs) add(s sample) {
	c.wall = append(c.wall, s.wall.Seconds())
	c.cpu = append(c.cpu, s.cpu.Seconds())
	c.peak = append(c.peak, float64(s.peak))
}
