// Package metrics counts and measures, and exports the result in the Prometheus text format (version 0.0.4). It
// does not know what is counted. Every series exists from the start, since all label values are listed in advance:
// clients cannot create new ones. Counting is safe for concurrent use; declaring is not.
package metrics

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Registry holds families of metrics in the order in which they were declared.
type Registry struct{ families []family }

// family is a metric with its name, what it means and how its series are written.
type family struct {
	name, help, kind string
	series           func(w *writer)
}

// declare panics if a name is invalid or taken: a bug that shows at the first start.
func (r *Registry) declare(f family) {
	if !isName(f.name, true) || slices.ContainsFunc(r.families, func(g family) bool { return g.name == f.name }) {
		panic(fmt.Sprintf("metric %q cannot be declared", f.name))
	}
	r.families = append(r.families, f)
}

// isName follows the data model: letters, digits, underscores and, in names of metrics, colons.
func isName(name string, colons bool) bool {
	for i, c := range name {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == ':' && colons
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// Counter counts up.
type Counter struct{ n atomic.Uint64 }

// Add counts one more.
func (c *Counter) Add() { c.n.Add(1) }

// Label is a name with all its values. The last value stands for every one that is not listed.
type Label struct {
	Name   string
	Values []string
}

// index returns where value is in the list.
func (l *Label) index(value string) int {
	for i, v := range l.Values {
		if v == value {
			return i
		}
	}
	return len(l.Values) - 1
}

// Counters are one counter for each combination of their labels' values.
type Counters struct {
	labels []Label
	series []Counter // the last label's values change fastest
}

// Counters declares counters. The convention is that name ends in _total.
func (r *Registry) Counters(name, help string, labels ...Label) *Counters {
	n := 1
	for _, l := range labels {
		if !isName(l.Name, false) || len(l.Values) == 0 {
			panic(fmt.Sprintf("label %q of metric %s cannot be declared", l.Name, name))
		}
		n *= len(l.Values)
	}
	c := &Counters{labels: labels, series: make([]Counter, n)}
	r.declare(family{name, help, "counter", func(w *writer) { c.write(w, name) }})
	return c
}

// Of returns the counter of these values, one for each label.
func (c *Counters) Of(values ...string) *Counter {
	i := 0
	for k := range c.labels {
		i = i*len(c.labels[k].Values) + c.labels[k].index(values[k])
	}
	return &c.series[i]
}

func (c *Counters) write(w *writer, name string) {
	for i := range c.series {
		pairs := make([]string, 2*len(c.labels))
		rest := i
		for k := len(c.labels) - 1; k >= 0; k-- {
			l := c.labels[k]
			pairs[2*k], pairs[2*k+1] = l.Name, l.Values[rest%len(l.Values)]
			rest /= len(l.Values)
		}
		w.sample(name, pairs, float64(c.series[i].n.Load()))
	}
}

// Gauge declares a value that goes up and down; value is called on each scrape.
func (r *Registry) Gauge(name, help string, value func() float64) {
	r.declare(family{name, help, "gauge", func(w *writer) { w.sample(name, nil, value()) }})
}

// Total declares a value that only goes up and is counted elsewhere; value is asked at each look. The convention is
// that name ends in _total.
func (r *Registry) Total(name, help string, value func() float64) {
	r.declare(family{name, help, "counter", func(w *writer) { w.sample(name, nil, value()) }})
}

// Info declares a gauge that is always 1 and carries its information in labels: pairs are names and values in
// turn.
func (r *Registry) Info(name, help string, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if !isName(pairs[i], false) || i+1 == len(pairs) {
			panic(fmt.Sprintf("label %q of metric %s cannot be declared", pairs[i], name))
		}
	}
	r.declare(family{name, help, "gauge", func(w *writer) { w.sample(name, pairs, 1) }})
}

// Histogram sorts durations into buckets.
type Histogram struct {
	bounds  []time.Duration
	buckets []atomic.Uint64 // one more than bounds
	sum     atomic.Int64    // nanoseconds
}

// Histogram declares a histogram of seconds with buckets up to each of bounds, which rise, and one for the rest.
// The convention is that name ends in _seconds.
func (r *Registry) Histogram(name, help string, bounds ...time.Duration) *Histogram {
	if !slices.IsSorted(bounds) || strings.HasSuffix(name, "_total") {
		panic(fmt.Sprintf("histogram %s cannot be declared", name))
	}
	h := &Histogram{bounds: bounds, buckets: make([]atomic.Uint64, len(bounds)+1)}
	r.declare(family{name, help, "histogram", func(w *writer) { h.write(w, name) }})
	return h
}

// Observe records one duration.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(h.bounds) && d > h.bounds[i] {
		i++
	}
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

// write writes cumulative buckets, as the format requires. The count is the sum of the buckets at that moment, so
// that they are consistent.
func (h *Histogram) write(w *writer, name string) {
	var count uint64
	for i := range h.buckets {
		count += h.buckets[i].Load()
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = number(h.bounds[i].Seconds())
		}
		w.sample(name+"_bucket", []string{"le", bound}, float64(count))
	}
	w.sample(name+"_sum", nil, time.Duration(h.sum.Load()).Seconds())
	w.sample(name+"_count", nil, float64(count))
}
