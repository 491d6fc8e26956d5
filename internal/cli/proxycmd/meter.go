package proxycmd

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/metrics"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
)

// meter collects the proxy's metrics.
type meter struct {
	metrics.Registry
	requests, events, reloads *metrics.Counters
	took                      *metrics.Histogram
	webSockets                atomic.Int64
}

var _ observe.Observer = (*meter)(nil)

func newMeter(version string, started time.Time) *meter {
	m := &meter{}
	m.requests = m.Counters("ploomber_proxy_requests_total", "Requests served, by status class.",
		metrics.Label{Name: "code", Values: []string{"1xx", "2xx", "3xx", "4xx", "5xx"}})
	m.took = m.Histogram("ploomber_proxy_request_duration_seconds", "Time from the request header to the end of the response.",
		time.Millisecond, 2500*time.Microsecond, 5*time.Millisecond, 10*time.Millisecond, 25*time.Millisecond, 50*time.Millisecond,
		100*time.Millisecond, 250*time.Millisecond, 500*time.Millisecond, time.Second, 2500*time.Millisecond, 5*time.Second, 10*time.Second)
	var events []string
	for _, e := range observe.Events() {
		events = append(events, string(e))
	}
	m.events = m.Counters("ploomber_proxy_events_total", "Logins, denials, logouts and upstream errors.",
		metrics.Label{Name: "event", Values: events})
	m.Gauge("ploomber_proxy_websockets", "Open WebSockets.", func() float64 { return float64(m.webSockets.Load()) })
	m.reloads = m.Counters("ploomber_proxy_reloads_total", "Configuration reloads.",
		metrics.Label{Name: "result", Values: []string{"ok", "failed"}})
	m.Info("ploomber_proxy_build_info", "The program.", "version", version, "goversion", runtime.Version())
	m.Gauge("go_goroutines", "Number of goroutines.", func() float64 { return float64(runtime.NumGoroutine()) })
	m.Gauge("process_start_time_seconds", "Start time of the proxy, in seconds since the Unix epoch.",
		func() float64 { return float64(started.UnixMilli()) / 1000 })
	m.addProcess()
	return m
}

// Count implements observe.Observer.
func (m *meter) Count(e observe.Event) { m.events.Of(string(e)).Add() }

// Request implements observe.Observer.
func (m *meter) Request(status int, took time.Duration) {
	m.requests.Of(class(status)).Add()
	m.took.Observe(took)
}

// WebSockets implements observe.Observer.
func (m *meter) WebSockets(change int) { m.webSockets.Add(int64(change)) }

func class(status int) string {
	const classes = "1xx2xx3xx4xx5xx"
	if i := status/100 - 1; i >= 0 && i < 5 {
		return classes[3*i : 3*i+3]
	}
	return "5xx"
}
