package e2e

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/gateway"
)

// A browser opens an app that is asleep, and goes on using the page while a new version is deployed. A new page is from the
// new version.
func TestFrameworkRedeploys(t *testing.T) {
	for name, f := range frameworks() {
		if !slices.Contains([]string{"streamlit", "chainlit"}, name) { // a WebSocket, and one of Socket.IO
			continue
		}
		t.Run(name, func(t *testing.T) {
			wanted(t, name)
			first, second := backendOf(t, 1, startExample(t, name, f)), backendOf(t, 2, startExample(t, name, f))
			waking, ready := make(chan struct{}, 1000), make(chan struct{})
			var g *gateway.Gateway
			address := serveGateway(t, &g, func(ctx context.Context, id string) error {
				waking <- struct{}{}
				select {
				case <-ready:
					return g.Set(id, gateway.Route{State: platform.StateRunning, Current: first})
				case <-ctx.Done():
					return ctx.Err()
				}
			})
			set := func(r gateway.Route) {
				if err := g.Set("app", r); err != nil {
					t.Fatal(err)
				}
			}
			set(gateway.Route{State: platform.StateAsleep, Current: gateway.Backend{Deployment: first.Deployment, Number: 1}})

			chromium := startBrowser(t, true)
			before := &viewer{t: t}
			before.openTab(chromium, address+f.page)
			before.sees("The app is starting")
			<-waking
			close(ready)
			before.sees(f.shown) // the page loads itself again
			eventually(t, "the page has a WebSocket", func() bool { return sockets(g, first) == 1 })

			set(gateway.Route{State: platform.StateRunning, Current: second, Draining: []gateway.Backend{first}})
			after := &viewer{t: t}
			after.openTab(chromium, address+f.page)
			after.sees(f.shown)
			eventually(t, "a new page is from the new version", func() bool { return sockets(g, second) == 1 })
			for _, step := range f.use {
				before.until(step)
			}
			if f.types != "" {
				before.types(f.types)
				before.press(kb.Enter)
				before.sees(f.says)
			}
			if n, open := before.page.WebSockets(); n == 0 || open != 1 || sockets(g, first) != 1 || sockets(g, second) != 1 {
				t.Errorf("the old page has %d WebSockets; %d and %d are open at the versions", open, sockets(g, first), sockets(g, second))
			}

			before.goTo(address + f.page)
			before.sees(f.shown)
			eventually(t, "the page is from the new version", func() bool { return sockets(g, first) == 0 && sockets(g, second) == 2 })
		})
	}
}

// serveGateway starts a gateway and returns the address of the project "app".
func serveGateway(t *testing.T, g **gateway.Gateway, wake func(context.Context, string) error) string {
	t.Helper()
	l, err := gateway.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	public := func(id string) *url.URL { return &url.URL{Scheme: "http", Host: id + ".localhost:" + l.URL().Port()} }
	if *g, err = gateway.New(gateway.Options{Domain: "localhost", Public: public, Wake: wake, Now: time.Now, Random: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	s := gateway.Serve(l, *g, time.Now, nil)
	t.Cleanup(func() {
		s.Close()
		if err := (*g).Close(); err != nil {
			t.Error(err)
		}
	})
	return public("app").String()
}

func backendOf(t *testing.T, number int, address string) gateway.Backend {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Backend{Deployment: []string{"first", "second"}[number-1], Number: number, URL: u, Ready: true}
}

// sockets counts the open WebSockets and event streams of a deployment.
func sockets(g *gateway.Gateway, b gateway.Backend) int {
	for _, a := range g.Activity("app") {
		if a.Deployment == b.Deployment {
			return a.Sockets
		}
	}
	return 0
}
