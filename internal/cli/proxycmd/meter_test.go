package proxycmd

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	m := newMeter("1.2.3", time.Unix(1_700_000_000, 500_000_000))
	for _, status := range []int{101, 200, 204, 302, 404, 429, 499, 500, 599, 0, 999} {
		m.Request(status, time.Millisecond)
	}
	for _, e := range observe.Events() {
		m.Count(e)
	}
	m.WebSockets(1)
	m.WebSockets(1)
	m.WebSockets(-1)
	text := m.String()
	for _, want := range []string{
		`ploomber_proxy_requests_total{code="1xx"} 1`, `ploomber_proxy_requests_total{code="2xx"} 2`, `ploomber_proxy_requests_total{code="3xx"} 1`,
		`ploomber_proxy_requests_total{code="4xx"} 3`, `ploomber_proxy_requests_total{code="5xx"} 4`, // what is not a status counts as a failure
		`ploomber_proxy_request_duration_seconds_count 11`, `ploomber_proxy_request_duration_seconds_bucket{le="0.001"} 11`,
		`ploomber_proxy_events_total{event="login"} 1`, `ploomber_proxy_events_total{event="app_error"} 1`, `ploomber_proxy_websockets 1`,
		`process_start_time_seconds 1.7000000005e+09`, `version="1.2.3"`,
	} {
		if len(lines(text, want)) != 1 {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	if _, err := parser.TextToMetricFamilies(strings.NewReader(text)); err != nil {
		t.Error(err)
	}
}

// Names and texts follow the conventions that 'promtool check metrics' knows, and the guide lists every metric.
func TestMetricsAreWellNamed(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../../docs/guide/proxy.md")
	if err != nil {
		t.Fatal(err)
	}
	cert, key, _ := certify(t, t.TempDir(), "metrics", time.Now().Add(time.Hour))
	w := start(t, hello, login, func(o *Options) { o.PrivateListen, o.TLSCert, o.TLSKey = "127.0.0.1:0", cert, key })
	_, text := newClient(t, "").get(t, "http://"+w.private+"/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || len(families) < 9 {
		t.Fatalf("%d, %v", len(families), err)
	}
	for name, f := range families {
		if total := f.GetType() == dto.MetricType_COUNTER; total != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %v", name, f.GetType())
		}
		if f.GetType() == dto.MetricType_HISTOGRAM && !strings.HasSuffix(name, "_seconds") {
			t.Errorf("%s has no unit", name)
		}
		if !strings.HasSuffix(f.GetHelp(), ".") {
			t.Errorf("%s: help %q", name, f.GetHelp())
		}
		if !strings.Contains(string(guide), "`"+name+"`") {
			t.Errorf("the guide does not list %s", name)
		}
	}
	for _, name := range []string{"process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds", "process_max_fds"} {
		f := families[name]
		if (f != nil) != (runtime.GOOS == "linux") {
			t.Fatalf("%s is there: %v", name, f != nil)
		}
		if f != nil && f.GetMetric()[0].GetCounter().GetValue()+f.GetMetric()[0].GetGauge().GetValue() <= 0 {
			t.Errorf("%s: %v", name, f)
		}
	}
}

// What clients do is counted, also where it happens inside the proxy.
func TestMetricsOfVisits(t *testing.T) {
	t.Parallel()
	w := start(t, hello, login, func(o *Options) { o.PrivateListen = "127.0.0.1:0" })
	for _, password := range []string{"first-password", "wrong"} {
		newClient(t, password).get(t, "http://"+w.public+"/?canary=CANARY")
	}
	_, text := newClient(t, "").get(t, "http://"+w.private+"/metrics")
	for _, want := range []string{
		`ploomber_proxy_requests_total{code="2xx"} 1`, `ploomber_proxy_requests_total{code="4xx"} 1`,
		`ploomber_proxy_events_total{event="login"} 1`, `ploomber_proxy_events_total{event="refused"} 1`,
	} {
		if len(lines(text, want)) != 1 {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "CANARY") || strings.Contains(text, "ann") {
		t.Error(text)
	}
}
