package metrics_test

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/internal/metrics"
)

// parsed reads what r writes as Prometheus does.
func parsed(t interface{ Fatalf(string, ...any) }, r *metrics.Registry) map[string]*dto.MetricFamily {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(r.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, r.String())
	}
	return families
}

func TestCounters(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	c := r.Counters("requests_total", "Requests.",
		metrics.Label{Name: "method", Values: []string{"GET", "other"}}, metrics.Label{Name: "code", Values: []string{"2xx", "4xx", "5xx"}})
	c.Of("GET", "4xx").Add()
	c.Of("GET", "4xx").Add()
	c.Of("BREW", "2xx").Add()
	c.Of("GET", "9xx").Add() // counts as the last
	got := map[string]float64{}
	for _, m := range parsed(t, &r)["requests_total"].GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			labels = append(labels, l.GetName()+"="+l.GetValue())
		}
		got[strings.Join(labels, " ")] = m.GetCounter().GetValue()
	}
	want := map[string]float64{
		"method=GET code=2xx": 0, "method=GET code=4xx": 2, "method=GET code=5xx": 1,
		"method=other code=2xx": 1, "method=other code=4xx": 0, "method=other code=5xx": 0,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestHistogram(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	h := r.Histogram("took_seconds", "Time.", time.Millisecond, 100*time.Millisecond, 2500*time.Millisecond)
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, time.Second, time.Hour} {
		h.Observe(d)
	}
	family := parsed(t, &r)["took_seconds"]
	got := family.GetMetric()[0].GetHistogram()
	var buckets []string
	for _, b := range got.GetBucket() {
		buckets = append(buckets, fmt.Sprintf("%g:%d", b.GetUpperBound(), b.GetCumulativeCount()))
	}
	if family.GetType() != dto.MetricType_HISTOGRAM || fmt.Sprint(buckets) != "[0.001:2 0.1:3 2.5:4 +Inf:5]" || got.GetSampleCount() != 5 ||
		math.Abs(got.GetSampleSum()-3601.002000001) > 1e-9 {
		t.Errorf("%v, count %d, sum %v", buckets, got.GetSampleCount(), got.GetSampleSum())
	}
}

func TestGauge(t *testing.T) {
	t.Parallel()
	for _, want := range []float64{0, -1.5, 1e21, 1.7e9 + 0.25, math.Inf(1), math.Inf(-1)} {
		var r metrics.Registry
		r.Gauge("level", "Level.", func() float64 { return want })
		family := parsed(t, &r)["level"]
		if got := family.GetMetric()[0].GetGauge().GetValue(); got != want || family.GetType() != dto.MetricType_GAUGE {
			t.Errorf("%v, want %v", got, want)
		}
	}
}

func TestTotal(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	r.Total("used_seconds_total", "Time.", func() float64 { return 1.5 })
	family := parsed(t, &r)["used_seconds_total"]
	if got := family.GetMetric()[0].GetCounter().GetValue(); got != 1.5 || family.GetType() != dto.MetricType_COUNTER {
		t.Errorf("%v of %v", got, family.GetType())
	}
}

// Whatever a label or a help says is read back as it was.
func TestTextIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value, help := rapid.String().Draw(t, "value"), rapid.StringMatching(`[a-z\\n"]*[a-z]`).Draw(t, "help")
		var r metrics.Registry
		r.Info("build_info", help+"\nsecond line", "version", value, "go", "1")
		family := parsed(t, &r)["build_info"]
		labels := family.GetMetric()[0].GetLabel()
		if len(labels) != 2 || labels[0].GetValue() != value || family.GetHelp() != help+"\nsecond line" {
			t.Fatalf("%q, %q from\n%s", labels, family.GetHelp(), r.String())
		}
	})
}

func TestServeHTTP(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	r.Gauge("level", "Level.", func() float64 { return 1 })
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody))
	if format := expfmt.ResponseFormat(w.Header()); format.FormatType() != expfmt.TypeTextPlain || w.Body.String() != r.String() {
		t.Errorf("%v: %s", format, w.Body)
	}
}

func TestWrongDeclarationsPanic(t *testing.T) {
	t.Parallel()
	one := metrics.Label{Name: "l", Values: []string{"v"}}
	for name, declare := range map[string]func(*metrics.Registry){
		"no name":           func(r *metrics.Registry) { r.Gauge("", "", nil) },
		"digit first":       func(r *metrics.Registry) { r.Gauge("1a", "", nil) },
		"a dash":            func(r *metrics.Registry) { r.Counters("a-b", "", one) },
		"twice":             func(r *metrics.Registry) { r.Gauge("a", "", nil); r.Counters("a", "", one) },
		"a colon in labels": func(r *metrics.Registry) { r.Counters("a", "", metrics.Label{Name: "a:b", Values: []string{"v"}}) },
		"no values":         func(r *metrics.Registry) { r.Counters("a", "", metrics.Label{Name: "b"}) },
		"half a pair":       func(r *metrics.Registry) { r.Info("a", "", "b") },
		"falling bounds":    func(r *metrics.Registry) { r.Histogram("a", "", 2, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("declared")
				}
			}()
			declare(new(metrics.Registry))
		})
	}
}

// Looks during counting see whole numbers that only rise, and a histogram that fits together.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	var r metrics.Registry
	c, h := r.Counters("n_total", ""), r.Histogram("d_seconds", "", time.Second)
	const each = 2000
	var work sync.WaitGroup
	for range 4 {
		work.Go(func() {
			for range each {
				c.Of().Add()
				h.Observe(time.Millisecond)
			}
		})
	}
	for last := 0.0; last < 4*each; {
		families := parsed(t, &r)
		n := families["n_total"].GetMetric()[0].GetCounter().GetValue()
		if n < last {
			t.Fatalf("%v after %v", n, last)
		}
		last = n
		histogram := families["d_seconds"].GetMetric()[0].GetHistogram()
		if buckets := histogram.GetBucket(); buckets[len(buckets)-1].GetCumulativeCount() != histogram.GetSampleCount() {
			t.Fatal("the count does not fit to the buckets")
		}
	}
	work.Wait()
}

func BenchmarkCount(b *testing.B) {
	var r metrics.Registry
	c := r.Counters("requests_total", "", metrics.Label{Name: "method", Values: []string{"GET", "HEAD", "POST", "other"}},
		metrics.Label{Name: "code", Values: []string{"1xx", "2xx", "3xx", "4xx", "5xx"}})
	h := r.Histogram("d_seconds", "", time.Millisecond, 10*time.Millisecond, time.Second)
	b.ReportAllocs()
	for b.Loop() {
		c.Of("POST", "2xx").Add()
		h.Observe(5 * time.Millisecond)
	}
}
