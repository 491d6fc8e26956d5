package main

import (
	"fmt"
	"io"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/dev/series"
)

// A report is everything that one run has measured.
type report struct {
	rounds           int
	slice            time.Duration
	few, many, large outcomes // 1 KB over 32 and over 256 connections, 1 MB
	echo             outcomes
	delays           map[string]*delay
	memory           map[string]*footprint
}

// What oauth2-proxy 7.15 costs, in units of nginx: it is in no package registry. The figures come from an earlier
// comparison by the same method, in which it was built from its source.
const (
	oauth2Few    = 9.5         // 1 KB over 32 connections: CPU, {SHA}
	oauth2Many   = 10.4        // 1 KB over 256 connections: CPU, {SHA}
	oauth2Echo   = 1.18        // CPU of a message, no login
	oauth2Socket = 58.0 / 17.7 // memory of an idle WebSocket
	oauth2Idle   = 3.6         // idle memory
)

// An aim is a ratio that we want to stay below.
type aim struct {
	what         string
	got          series.Series
	must, aspire float64
}

func (a aim) met() string {
	switch m := a.got.Median(); {
	case len(a.got) == 0:
		return "not measured"
	case m <= a.aspire:
		return "better than the aim"
	case m <= a.must:
		return "within the bound"
	default:
		return "**missed**"
	}
}

func (r *report) aims() []aim {
	few, many := r.few.cpu(oursSession), r.many.cpu(oursSession)
	fewSHA, manySHA := few.Over(r.few.cpu(nginxSHA)), many.Over(r.many.cpu(nginxSHA))
	echo := r.echo.cpu(oursSession).Over(r.echo.cpu(nginxPlain))
	ours, nginx := r.footprint(oursSession), r.footprint(nginxPlain)
	socket := ours.socket.Over(nginx.socket)
	const request, wide = "CPU of a request, session cookie / ", ", 256 connections"
	return []aim{
		{request + "express-openid-connect", few.Over(r.few.cpu(nodeOIDC)), 0.06, 0.04},
		{request + "express-openid-connect" + wide, many.Over(r.many.cpu(nodeOIDC)), 0.08, 0.04},
		{request + "oauth2-proxy (derived)", fewSHA.Times(1 / oauth2Few), 0.20, 0.12},
		{request + "oauth2-proxy (derived)" + wide, manySHA.Times(1 / oauth2Many), 0.20, 0.12},
		{request + nginxAPR1, few.Over(r.few.cpu(nginxAPR1)), 0.45, 0.25},
		{request + nginxAPR1 + wide, many.Over(r.many.cpu(nginxAPR1)), 0.45, 0.25},
		{request + nginxSHA, fewSHA, 1.7, 1.2},
		{request + nginxSHA + wide, manySHA, 2.0, 1.2},
		{"CPU of a request, password / own session cookie", r.few.cpu(oursPasswords).Over(few), 1.05, 1.0},
		{"CPU of a request, password / " + nginxBcrypt, r.few.cpu(oursPasswords).Over(r.few.cpu(nginxBcrypt)), 0.04, 0.02},
		{"CPU of a body of 1 MB / " + nginxSHA, r.large.cpu(oursSession).Over(r.large.cpu(nginxSHA)), 0.6, 0.4},
		{"CPU of a WebSocket message / " + nginxPlain, echo, 1.2, 1.1},
		{"CPU of a WebSocket message / oauth2-proxy (derived)", echo.Times(1 / oauth2Echo), 1.0, 0.9},
		{"memory of an idle WebSocket / " + nginxPlain, socket, 0.7, 0.55},
		{"memory of an idle WebSocket / oauth2-proxy (derived)", socket.Times(1 / oauth2Socket), 0.22, 0.17},
		{"idle memory / oauth2-proxy (derived)", ours.idle.Over(nginx.idle).Times(1 / oauth2Idle), 0.8, 0.5},
	}
}

// cpu returns nothing for a contestant that did not take part.
func (o outcomes) cpu(name string) series.Series {
	if got := o[name]; got != nil {
		return got.cpu
	}
	return nil
}

func (o outcomes) rate(name string) series.Series {
	if got := o[name]; got != nil {
		return got.rate
	}
	return nil
}

func (r *report) footprint(name string) footprint {
	if got := r.memory[name]; got != nil {
		return *got
	}
	return footprint{}
}

// contestants is the order of the rows.
func contestants() []string {
	return []string{oursSession, oursPasswords, nginxPlain, nginxSHA, nginxAPR1, nginxBcrypt, caddyBasic, nodeOIDC}
}

func (r *report) write(out io.Writer) {
	fmt.Fprint(out, "| ratio | measured | bound | aim | |\n| --- | --- | --- | --- | --- |\n")
	for _, a := range r.aims() {
		fmt.Fprintf(out, "| %s | %s | %.2f | %.2f | %s |\n", a.what, a.got.Ratio(), a.must, a.aspire, a.met())
	}

	fmt.Fprint(out, "\nTime of the proxy's processor core, in units of nginx with `auth_basic` and {SHA}, "+
		"for WebSockets of nginx without a login:\n\n"+
		"| contestant | 1 KB, 32 connections | requests/s | 1 KB, 256 connections | 1 MB | WebSocket message |\n"+
		"| --- | --- | --- | --- | --- | --- |\n")
	for _, name := range contestants() {
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", name, r.few.cpu(name).Over(r.few.cpu(nginxSHA)).Ratio(),
			whole(r.few.rate(name)), r.many.cpu(name).Over(r.many.cpu(nginxSHA)).Ratio(),
			r.large.cpu(name).Over(r.large.cpu(nginxSHA)).Ratio(), r.echo.cpu(name).Over(r.echo.cpu(nginxPlain)).Ratio())
	}
	fmt.Fprintf(out, "\n%d rounds of slices of %s. One request takes us %s of processor time over 32 connections, and %s with 1 MB; a WebSocket message %s.\n",
		r.rounds, r.slice, micros(r.few.cpu(oursSession)), micros(r.large.cpu(oursSession)), micros(r.echo.cpu(oursSession)))

	fmt.Fprintf(out, "\nTime to the answer at %d requests/s:\n\n| contestant | p50 | p99 | added, p50 | added, p99 | added, p50 / nginx without login |\n"+
		"| --- | --- | --- | --- | --- | --- |\n", pacedRate)
	direct, plain := r.delay(appAlone), r.delay(nginxPlain)
	for _, name := range append([]string{appAlone}, contestants()...) {
		d := r.delay(name)
		if len(d.p50) == 0 {
			continue
		}
		added := d.p50.Minus(direct.p50)
		row := []string{micros(added), micros(d.p99.Minus(direct.p99)), added.Over(plain.p50.Minus(direct.p50)).Ratio()}
		if name == appAlone {
			row = []string{"", "", ""}
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", name, micros(d.p50), micros(d.p99), row[0], row[1], row[2])
	}

	fmt.Fprint(out, "\n| contestant | idle memory | / nginx | memory of an idle WebSocket | / nginx |\n| --- | --- | --- | --- | --- |\n")
	nginx := r.footprint(nginxPlain)
	for _, name := range contestants() {
		if f := r.footprint(name); len(f.idle) > 0 {
			fmt.Fprintf(out, "| %s | %s | %s | %s | %s |\n", name, kilobytes(f.idle), f.idle.Over(nginx.idle).Ratio(),
				kilobytes(f.socket), f.socket.Over(nginx.socket).Ratio())
		}
	}
}

func (r *report) delay(name string) delay {
	if got := r.delays[name]; got != nil {
		return *got
	}
	return delay{}
}

func micros(s series.Series) string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f µs", s.Median()*1e6)
}

func whole(s series.Series) string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", s.Median())
}

func kilobytes(s series.Series) string {
	if len(s) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f KB", s.Median()/(1<<10))
}
