// Package series does the arithmetic of the benchmarks: what is measured in rounds, compared round by round and
// told as a median with its range. It must not know what is measured, nor in which unit.
package series

import (
	"fmt"
	"math"
	"slices"
)

// Series is one quantity over all rounds, in their order.
type Series []float64

// Median returns the middle, and 0 where there is nothing.
func (s Series) Median() float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	if n := len(sorted); n%2 == 0 {
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
	return sorted[len(sorted)/2]
}

// Quantile returns the least value that at least the part q of s does not exceed; q lies between 0 and 1.
func (s Series) Quantile(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

// Over divides round by round: what slowed a round down slowed down both. Rounds in which base is 0 are left out.
func (s Series) Over(base Series) Series {
	ratios := make(Series, 0, len(s))
	for i := range min(len(s), len(base)) {
		if base[i] > 0 {
			ratios = append(ratios, s[i]/base[i])
		}
	}
	return ratios
}

// Minus subtracts round by round.
func (s Series) Minus(base Series) Series {
	left := make(Series, 0, len(s))
	for i := range min(len(s), len(base)) {
		left = append(left, s[i]-base[i])
	}
	return left
}

// Times multiplies each round by factor.
func (s Series) Times(factor float64) Series {
	product := make(Series, 0, len(s))
	for _, v := range s {
		product = append(product, v*factor)
	}
	return product
}

// Ratio writes the median with the range, "0.012 (0.010-0.015)".
func (s Series) Ratio() string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3g (%.3g-%.3g)", s.Median(), slices.Min(s), slices.Max(s))
}
