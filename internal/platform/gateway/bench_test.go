package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// discard is a response writer that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

// BenchmarkRequest compares a request through the gateway with one through the login alone.
func BenchmarkRequest(b *testing.B) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer app.Close()
	address, _ := url.Parse(app.URL)
	g, err := New(Options{Domain: "localhost", Public: publicURL, Now: time.Now, Random: rand.Reader,
		Wake: func(context.Context, string) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	current := Backend{Deployment: "d2", Number: 2, URL: address, Ready: true}
	old := Backend{Deployment: "d1", Number: 1, URL: address, Ready: true}
	for id, r := range map[string]Route{"app": running(current), "redeployed": running(current, old)} {
		if err := g.Set(id, r); err != nil {
			b.Fatal(err)
		}
	}
	proxy, err := authproxy.New(config.Config{Public: true}, authproxy.Options{Upstream: app.URL, Now: time.Now, Random: rand.Reader})
	if err != nil {
		b.Fatal(err)
	}
	defer proxy.Close()
	for _, bench := range []struct {
		name, host, cookie string
		handler            http.Handler
	}{
		{"login alone", "app.localhost", "", proxy},
		{"gateway", "app.localhost", "ploomber_pages=abcdefghijkl.2", g},
		{"gateway while a version drains", "redeployed.localhost", "ploomber_pages=abcdefghijkl.2", g},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest("GET", "/data", nil)
				r.Host = bench.host
				r.Header = fromPage()
				if bench.cookie != "" {
					r.Header.Set("Cookie", bench.cookie)
				}
				bench.handler.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
}

// BenchmarkLayer is what the gateway adds to a request, without the login and the network.
func BenchmarkLayer(b *testing.B) {
	g, err := New(Options{Domain: "localhost", Public: publicURL, Now: time.Now, Random: rand.Reader,
		Wake: func(context.Context, string) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	defer g.Close()
	if err := g.Set("app", running(Backend{Deployment: "d1", Number: 1, URL: publicURL("upstream"), Ready: true})); err != nil {
		b.Fatal(err)
	}
	found, _ := g.projects.Load("app")
	p := found.(*project)
	for name, header := range map[string]http.Header{"page": navigate(), "fetch": fromPage()} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := httptest.NewRequest("GET", "/data", nil)
			r.Host, r.Header = "app.localhost:8080", header
			r.Header.Set("Cookie", "ploomber_pages=abcdefghijkl.1")
			answer := http.Header{"Content-Type": {"text/html"}}
			for b.Loop() {
				locate(r.Host, "localhost")
				_, _ = g.projects.Load("app")
				_, _ = p.login.acquire()
				to, _ := p.Route(r)
				to.Target()
				to.Begin(b.Context(), nil)
				to.Accepts(http.StatusOK)
				to.ModifyResponse(http.StatusOK, answer)
				to.Done()
				p.login.release()
			}
		})
	}
}

func publicURL(id string) *url.URL { return &url.URL{Scheme: "http", Host: id + ".localhost"} }

// BenchmarkProjects measures the memory of projects that nobody uses, and of those whose login is in use.
func BenchmarkProjects(b *testing.B) {
	const projects = 1000
	memory := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc + m.StackInuse)
	}
	for b.Loop() {
		start := memory()
		g, err := New(Options{Domain: "localhost", Public: publicURL, Now: time.Now, Random: rand.Reader, BcryptCost: 4,
			Wake: func(context.Context, string) error { return nil }})
		if err != nil {
			b.Fatal(err)
		}
		for i := range projects {
			r := asleepRoute()
			r.Login = passwordLogin("ann", "open sesame")
			if err := g.Set(fmt.Sprint("app-", i), r); err != nil {
				b.Fatal(err)
			}
		}
		idle := memory()
		for i := range projects {
			r := httptest.NewRequest("GET", "/", nil)
			r.Host = fmt.Sprint("app-", i, ".localhost")
			g.ServeHTTP(discard{http.Header{}}, r)
		}
		used := memory()
		b.ReportMetric((idle-start)/projects, "B/project")
		b.ReportMetric((used-idle)/projects, "B/login")
		_ = g.Close()
	}
}
