package series

import (
	"slices"
	"testing"
)

func TestSeries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		s, base    Series
		median     float64
		p99        float64
		over, left Series
		ratio      string
	}{
		"nothing":         {ratio: "-"},
		"odd":             {s: Series{1, 2, 6}, base: Series{10, 10, 20}, median: 2, p99: 6, over: Series{.1, .2, .3}, left: Series{-9, -8, -14}, ratio: "0.2 (0.1-0.3)"},
		"even, unsorted":  {s: Series{4, 1, 3, 2}, base: Series{1, 1, 1, 1}, median: 2.5, p99: 4, over: Series{4, 1, 3, 2}, left: Series{3, 0, 2, 1}, ratio: "2.5 (1-4)"},
		"a round of zero": {s: Series{1, 5}, base: Series{0, 5}, median: 3, p99: 5, over: Series{1}, left: Series{1, 0}, ratio: "1 (1-1)"},
		"a round fewer":   {s: Series{2, 4}, base: Series{2}, median: 3, p99: 4, over: Series{1}, left: Series{0}, ratio: "1 (1-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(tc.s)
			if got := tc.s.Median(); got != tc.median {
				t.Errorf("median %v, want %v", got, tc.median)
			}
			if got := tc.s.Quantile(0.99); got != tc.p99 {
				t.Errorf("quantile %v, want %v", got, tc.p99)
			}
			if got := tc.s.Over(tc.base); !slices.Equal(got, tc.over) {
				t.Errorf("over %v, want %v", got, tc.over)
			}
			if got := tc.s.Minus(tc.base); !slices.Equal(got, tc.left) {
				t.Errorf("minus %v, want %v", got, tc.left)
			}
			if got := tc.s.Over(tc.base).Ratio(); got != tc.ratio {
				t.Errorf("ratio %s, want %s", got, tc.ratio)
			}
			if !slices.Equal(tc.s, before) {
				t.Errorf("the rounds have changed their order: %v", tc.s)
			}
		})
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	var s Series
	for i := range 200 {
		s = append(s, float64(200-i)) // 200 ... 1
	}
	for q, want := range map[float64]float64{0: 1, 0.005: 1, 0.5: 100, 0.99: 198, 0.995: 199, 1: 200} {
		if got := s.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := (Series{3}).Times(2); !slices.Equal(got, Series{6}) {
		t.Errorf("times %v", got)
	}
}
