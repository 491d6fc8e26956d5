package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// New pages come from the new version at once; what an open page asks for goes to the version that it is from.
func TestPagesKeepTheirVersion(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	one, two := newVersion(t, "one"), newVersion(t, "two")
	g.set("app", running(one.backend(1)))
	early, late, program := g.browser(), g.browser(), g.browser()
	want := func(what string, got reply, body string) {
		t.Helper()
		if got.StatusCode != 200 || got.body != body {
			t.Errorf("%s: %d %q, want %q", what, got.StatusCode, got.body, body)
		}
	}
	early.open("app", "/")
	before := early.socket("app", "/ws")
	g.set("app", running(two.backend(2), one.backend(1)))

	want("a new page", late.open("app", "/"), "two")
	want("a fetch of the new page", late.fetch("GET", "app", "/data", ""), "two")
	want("a fetch of the old page", early.fetch("GET", "app", "/data", ""), "one")
	want("what the old page sends", early.fetch("POST", "app", "/data", "!"), "one!")
	want("a program", program.must("GET", g.urlOf("app").String()+"/data", "", nil), "two")
	for c, want := range map[*websocket.Conn]string{before: "one x", early.socket("app", "/ws"): "one x", late.socket("app", "/ws"): "two x"} {
		if got, err := say(t.Context(), c, "x"); got != want {
			t.Errorf("WebSocket: %q, %v; want %q", got, err, want)
		}
	}

	// The user of the old page opens a second one.
	want("another page", early.open("app", "/"), "two")
	want("a fetch that both versions can answer", early.fetch("GET", "app", "/data", ""), "two")
	want("what only the old one has", early.fetch("GET", "app", "/only/one", ""), "one")
	want("what only the new one has", early.fetch("GET", "app", "/only/two", ""), "two")
	if got := early.fetch("GET", "app", "/only/none", ""); got.StatusCode != 404 {
		t.Errorf("what neither has: %d %q", got.StatusCode, got.body)
	}
	second := early.socket("app", "/ws")
	if got, err := say(t.Context(), second, "x"); got != "two x" {
		t.Errorf("WebSocket of the second page: %q, %v", got, err)
	}
	want("an upload from the second page", early.fetch("POST", "app", "/upload", "!"), "two!")
	if got, err := say(t.Context(), before, "x"); got != "one x" {
		t.Errorf("WebSocket of the first page: %q, %v", got, err)
	}
	want("an upload from the first page", early.fetch("PUT", "app", "/upload", "!"), "one!")

	// The old version ends.
	g.set("app", running(two.backend(2)))
	g.Drop("deployment-1")
	if _, _, err := before.Read(t.Context()); err == nil {
		t.Error("the WebSocket goes on after Drop")
	}
	want("a fetch of the old page", early.fetch("GET", "app", "/data", ""), "two")
	if got, err := say(t.Context(), second, "x"); got != "two x" {
		t.Errorf("WebSocket of the second page: %q, %v", got, err)
	}
}

// A version that has gone without a word costs its pages their session, and no request.
func TestOldVersionIsGone(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	one, two := newVersion(t, "one"), newVersion(t, "two")
	g.set("app", running(one.backend(1)))
	b := g.browser()
	b.open("app", "/")
	g.set("app", running(two.backend(2), one.backend(1)))
	one.server.Close()
	for method, body := range map[string]string{"GET": "", "POST": " data", "PUT": strings.Repeat("x", 100_000)} {
		if answer := b.fetch(method, "app", "/data", body); answer.body != "two"+body {
			t.Errorf("%s: %d %.100s", method, answer.StatusCode, answer.body)
		}
	}
	if answer, err := say(t.Context(), b.socket("app", "/ws"), "x"); answer != "two x" {
		t.Errorf("WebSocket: %q, %v", answer, err)
	}
}

// A request that Drop ends before there is a response goes to the current version, if it can be repeated.
func TestDropInFlight(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]string{"GET": "two", "POST": "The app has been updated"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			g := newRig(t, nil)
			one, two := newVersion(t, "one"), newVersion(t, "two")
			defer close(one.release)
			close(two.release)
			g.set("app", running(one.backend(1)))
			answered := make(chan reply)
			go func() {
				body := ""
				if method == "POST" {
					body = "data"
				}
				answer, _ := g.browser().do(method, g.urlOf("app").String()+"/slow", body, nil)
				answered <- answer
			}()
			<-one.entered
			g.set("app", running(two.backend(2)))
			g.Drop("deployment-1")
			if answer := <-answered; !strings.HasPrefix(answer.body, want) {
				t.Errorf("%+v, want %q", answer, want)
			}
		})
	}
}

// A page that the browser has in its cache is from the version that has confirmed it.
func TestPageFromTheCache(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	one, two := newVersion(t, "one"), newVersion(t, "two")
	g.set("app", running(one.backend(1)))
	b := g.browser()
	b.open("app", "/")
	g.set("app", running(two.backend(2), one.backend(1)))
	revalidate := navigate()
	revalidate.Set("If-None-Match", `"same"`)
	if answer := b.must("GET", g.urlOf("app").String()+"/", "", revalidate); answer.StatusCode != 304 {
		t.Fatalf("%d", answer.StatusCode)
	}
	if answer := b.fetch("GET", "app", "/data", ""); answer.body != "two" {
		t.Errorf("a fetch of the page goes to %s", answer.body)
	}
}

// What is left of a version is counted until it is over, also once the route does not have it any more.
func TestActivity(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	one, two := newVersion(t, "one"), newVersion(t, "two")
	g.set("app", running(one.backend(1)))
	b := g.browser()
	if a := g.activity("app", "deployment-1"); a != (Activity{Deployment: "deployment-1"}) {
		t.Errorf("before the first request: %+v", a)
	}
	start := time.Now().Add(-time.Millisecond)
	b.open("app", "/")
	if a := g.activity("app", "deployment-1"); !a.LastUse.After(start) || a.Requests != 0 || a.Sockets != 0 {
		t.Errorf("after a request: %+v", a)
	}
	c := b.socket("app", "/ws")
	events, err := b.Get(g.urlOf("app").String() + "/events")
	if err != nil {
		t.Fatal(err)
	}
	<-one.entered
	var slow sync.WaitGroup
	slow.Go(func() { b.fetch("GET", "app", "/slow", "") })
	<-one.entered
	if a := g.activity("app", "deployment-1"); a.Requests != 1 || a.Sockets != 2 {
		t.Errorf("a request, a WebSocket and an event stream: %+v", a)
	}
	g.set("app", running(two.backend(2)))
	if a := g.activity("app", "deployment-1"); a.Requests != 1 || a.Sockets != 2 {
		t.Errorf("once replaced: %+v", a)
	}
	close(one.release)
	slow.Wait()
	_ = events.Body.Close()
	_ = c.CloseNow()
	eventually(t, "no activity of deployment-1", func() bool { return g.activity("app", "deployment-1").Deployment == "" })
}

// A hundred redeployments under load: no request is lost, no WebSocket is cut, and a page that is opened after Set is
// from the new version. Each version stops once it has no activity, as the scheduler does it.
func TestRedeployUnderLoad(t *testing.T) {
	t.Parallel()
	const redeployments, clients = 100, 8
	g := newRig(t, nil)
	type deployment struct {
		*version
		Backend
	}
	deploy := func(n int) deployment {
		v := newVersion(t, fmt.Sprint("v", n))
		return deployment{v, v.backend(n)}
	}
	current := deploy(1)
	g.set("app", running(current.Backend))

	// Each client notes the number of the version that its page is from; while it loads one, the number of the oldest that
	// this may be, with a minus sign.
	var latest atomic.Int64
	latest.Store(1)
	using := make([]atomic.Int64, clients)
	isUsed := func(number int) bool {
		for i := range using {
			if of := int(using[i].Load()); of == number || of < 0 && number >= -of {
				return true
			}
		}
		return false
	}

	done := make(chan struct{})
	var load sync.WaitGroup
	var served, messages atomic.Int64
	for i := range clients {
		load.Go(func() {
			b := g.browser()
			for {
				select {
				case <-done:
					return
				default:
				}
				using[i].Store(-latest.Load())
				page, err := b.do("GET", g.urlOf("app").String()+"/", "", navigate())
				if err != nil || page.StatusCode != 200 {
					t.Errorf("page: %v, %v", page, err)
					return
				}
				number, err := strconv.Atoi(strings.TrimPrefix(page.body, "v"))
				if err != nil {
					t.Errorf("page %q", page.body)
					return
				}
				using[i].Store(int64(number))
				c, err := b.dial(t.Context(), "app", "/ws")
				if err != nil {
					t.Errorf("dial: %v", err)
					return
				}
				for range 5 {
					if got, err := say(t.Context(), c, "x"); err != nil || got != page.body+" x" {
						t.Errorf("WebSocket of a page of %s: %q, %v", page.body, got, err)
						return
					}
					for _, method := range []string{"GET", "POST"} {
						body := ""
						if method == "POST" {
							body = " data"
						}
						answer, err := b.do(method, g.urlOf("app").String()+"/data", body, fromPage())
						if err != nil || answer.body != page.body+body {
							t.Errorf("%s of a page of %s: %q, %v", method, page.body, answer.body, err)
							return
						}
						served.Add(1)
					}
					messages.Add(1)
				}
				_ = c.Close(websocket.StatusNormalClosure, "")
			}
		})
	}

	var draining, leaving []deployment // newest first; and those that are not in the route any more
	for n := 2; n <= redeployments+1; n++ {
		next := deploy(n)
		draining = append([]deployment{current}, draining...)
		current = next
		route := running(current.Backend)
		for _, d := range draining {
			route.Draining = append(route.Draining, d.Backend)
		}
		g.set("app", route)
		latest.Store(int64(n))
		if page := g.browser().open("app", "/"); page.body != current.name {
			t.Errorf("a page after deployment %d is from %s", n, page.body)
		}
		for _, d := range leaving {
			if a := g.activity("app", d.Deployment); a.Deployment == "" {
				g.Drop(d.Deployment)
				d.server.Close()
			}
		}
		isUnused := func(d deployment) bool {
			a := g.activity("app", d.Deployment)
			return a.Requests == 0 && a.Sockets == 0 && !isUsed(d.Number)
		}
		for _, d := range draining {
			if isUnused(d) {
				leaving = append(leaving, d)
			}
		}
		draining = slices.DeleteFunc(draining, func(d deployment) bool {
			return slices.ContainsFunc(leaving, func(l deployment) bool { return l.Number == d.Number })
		})
	}
	close(done)
	load.Wait()
	if served.Load() == 0 || messages.Load() == 0 {
		t.Errorf("%d requests and %d messages: no load", served.Load(), messages.Load())
	}
	t.Logf("%d requests, %d messages", served.Load(), messages.Load())
}

func TestPageCookie(t *testing.T) {
	t.Parallel()
	for value, ok := range map[string]bool{
		"abcdefghijkl.1": true, "abcdefghijkl.12.3": true, "abcdefghijkl.4.3.2.1": true,
		"abcdefghijkl.5.4.3.2.1": false, "abcdefghijkl": false, "abcdefghijkl.": false, "abcdefghijkl.0": false, "abcdefghijkl.-1": false,
		"short.1": false, "abcdefghijkl.1.x": false, "": false, "abcdefghijkl.99999999999999999999": false,
	} {
		c, got := parsePageCookie(value)
		if got != ok || ok && c.String() != value {
			t.Errorf("%q: %v, %v; want %v", value, c, got, ok)
		}
	}
	c := pageCookie{"abcdefghijkl", []int{3, 2}}
	for name, tc := range map[string]struct {
		number int
		there  []int
		want   string
	}{
		"the same":   {3, []int{3, 2}, "abcdefghijkl.3.2"},
		"a new one":  {4, []int{4, 3, 2}, "abcdefghijkl.4.3.2"},
		"some ended": {4, []int{4, 3}, "abcdefghijkl.4.3"},
		"one before": {2, []int{3, 2}, "abcdefghijkl.2.3"},
		"all ended":  {5, []int{5}, "abcdefghijkl.5"},
	} {
		if got := c.with(tc.number, tc.there).String(); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

var _ http.Handler = (*version)(nil)
