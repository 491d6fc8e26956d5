package main

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

func TestAims(t *testing.T) {
	t.Parallel()
	cpu := func(v ...float64) *outcome { return &outcome{cpu: v} }
	r := &report{
		few: outcomes{oursSession: cpu(4, 6), oursPasswords: cpu(5, 6), nginxSHA: cpu(2, 2), nginxAPR1: cpu(20, 20),
			nginxBcrypt: cpu(100, 100), nodeOIDC: cpu(100, 100)},
		echo: outcomes{oursSession: cpu(1.18, 1.18), nginxPlain: cpu(1, 1)},
		memory: map[string]*footprint{
			oursSession: {idle: series.Series{7.2e6}, socket: series.Series{8850}},
			nginxPlain:  {idle: series.Series{2e6}, socket: series.Series{17700}},
		},
	}
	got := map[string]aim{}
	for _, a := range r.aims() {
		got[a.what] = a
	}
	for what, want := range map[string]struct {
		ratio float64
		met   string
	}{
		"CPU of a request, session cookie / nginx `auth_basic`, {SHA}":                  {2.5, "**missed**"},
		"CPU of a request, session cookie / nginx `auth_basic`, {SHA}, 256 connections": {0, "not measured"},
		"CPU of a request, session cookie / nginx `auth_basic`, apr1":                   {0.25, "better than the aim"},
		"CPU of a request, session cookie / express-openid-connect":                     {0.05, "within the bound"},
		"CPU of a request, session cookie / oauth2-proxy (derived)":                     {2.5 / 9.5, "**missed**"},
		"CPU of a request, password / own session cookie":                               {1.125, "**missed**"},
		"CPU of a WebSocket message / oauth2-proxy (derived)":                           {1, "within the bound"},
		"memory of an idle WebSocket / nginx, no login":                                 {0.5, "better than the aim"},
		"memory of an idle WebSocket / oauth2-proxy (derived)":                          {0.5 * 17.7 / 58, "better than the aim"},
		"idle memory / oauth2-proxy (derived)":                                          {1, "**missed**"},
	} {
		a, ok := got[what]
		if !ok || math.Abs(a.got.Median()-want.ratio) > 1e-9 || a.met() != want.met {
			t.Errorf("%s: known %v, %v, %s; want %v, %s", what, ok, a.got, a.met(), want.ratio, want.met)
		}
	}
}

// What was not measured is a dash, and every table has as many cells in each row.
func TestReportWrites(t *testing.T) {
	t.Parallel()
	r := &report{few: outcomes{oursSession: {cpu: series.Series{80e-6}, rate: series.Series{12000}}, nginxSHA: {cpu: series.Series{40e-6}}},
		delays: map[string]*delay{
			appAlone:    {p50: series.Series{100e-6}, p99: series.Series{200e-6}},
			nginxPlain:  {p50: series.Series{150e-6}, p99: series.Series{300e-6}},
			oursSession: {p50: series.Series{200e-6}, p99: series.Series{500e-6}},
		}}
	var b strings.Builder
	r.write(&b)
	for _, want := range []string{
		"| ploomber-cloud, session cookie | 2 (2-2) | 12000 | - | - | - |",
		"| ploomber-cloud, session cookie | 200 µs | 500 µs | 100 µs | 300 µs | 2 (2-2) |",
		"One request takes us 80 µs of processor time over 32 connections",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for table := range strings.SplitSeq(b.String(), "\n\n") {
		cells := 0
		for line := range strings.Lines(table) {
			n := strings.Count(line, "|")
			if cells == 0 {
				cells = n
			}
			if n != cells {
				t.Errorf("%d cells where the head has %d: %s", n-1, cells-1, line)
			}
		}
	}
}

func TestInTurns(t *testing.T) {
	t.Parallel()
	var got []int
	if err := inTurns(3, 3, func(_, who int) error { got = append(got, who); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := []int{0, 1, 2, 1, 2, 0, 2, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}
