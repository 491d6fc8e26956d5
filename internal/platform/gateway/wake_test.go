package gateway

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
)

// asleepRoute is that of an app whose deployment 1 has no process.
func asleepRoute() Route {
	return Route{State: platform.StateAsleep, Current: Backend{Deployment: "deployment-1", Number: 1}}
}

// A request that wakes an app is held and gets the app's response, as do those that come meanwhile. The app is woken once.
func TestWake(t *testing.T) {
	t.Parallel()
	app := newVersion(t, "app")
	awake := make(chan struct{})
	var wakes atomic.Int32
	var g *rig
	g = newRig(t, func(o *Options) {
		o.Wake = func(_ context.Context, id string) error {
			wakes.Add(1)
			<-awake
			return g.Set(id, running(app.backend(1)))
		}
	})
	g.set("app", asleepRoute())
	var clients sync.WaitGroup
	for range 10 {
		clients.Go(func() {
			if answer, err := g.browser().do("POST", g.urlOf("app").String()+"/", " data", nil); err != nil || answer.body != "app data" {
				t.Errorf("%q, %v", answer.body, err)
			}
		})
	}
	clients.Go(func() {
		c, answer, err := websocket.Dial(t.Context(), g.urlOf("app").String()+"/ws", &websocket.DialOptions{HTTPClient: g.browser().Client})
		if err != nil {
			t.Errorf("WebSocket of a program: %v, %v", answer, err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		if got, err := say(t.Context(), c, "x"); got != "app x" {
			t.Errorf("WebSocket of a program: %q, %v", got, err)
		}
	})
	p, _ := g.projects.Load("app")
	eventually(t, "11 requests are held", func() bool {
		p.(*project).mu.Lock()
		defer p.(*project).mu.Unlock()
		return p.(*project).held == 11
	})
	if len(app.requests()) > 0 {
		t.Error("the app got a request before it was awake")
	}
	close(awake)
	clients.Wait()
	if wakes.Load() != 1 {
		t.Errorf("woken %d times", wakes.Load())
	}
}

// inBubble is a gateway in a bubble of synctest, without a network.
func inBubble(t *testing.T, wake func(context.Context, string) error) *Gateway {
	t.Helper()
	g, err := New(Options{
		Domain: "localhost", Public: func(id string) *url.URL { return &url.URL{Scheme: "http", Host: id + ".localhost"} },
		Wake: wake, Now: time.Now, Random: rand.Reader, BcryptCost: 4,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func (g *Gateway) ask(method, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "app.localhost"
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// While an app wakes, a browser soon gets a page that tries again by itself, and other clients are held for longer.
func TestWaitForWake(t *testing.T) {
	t.Parallel()
	post := navigate()
	post.Set("Content-Type", "text/plain")
	for name, tc := range map[string]struct {
		method string
		header http.Header
		after  time.Duration
		want   string
	}{
		"a browser":          {"GET", navigate(), time.Second, `<meta http-equiv="refresh" content="1">`},
		"a form":             {"POST", post, time.Minute, "The app is starting"},
		"a program":          {"GET", http.Header{}, time.Minute, "The app is starting. It was asleep"},
		"a program for JSON": {"GET", http.Header{"Accept": {"application/json"}}, time.Minute, `"state":"asleep"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := inBubble(t, func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
				if err := g.Set("app", asleepRoute()); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				w := g.ask(tc.method, "/report?a=b", tc.header)
				if took := time.Since(start); took != tc.after {
					t.Errorf("answered after %v, want %v", took, tc.after)
				}
				h := w.Header()
				if w.Code != 503 || h.Get("Retry-After") != "1" || h.Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), tc.want) {
					t.Errorf("%d %v\n%s", w.Code, h, w.Body)
				}
				if g.held.Load() != 0 {
					t.Errorf("%d requests are held", g.held.Load())
				}
				_ = g.Close()
			})
		})
	}
}

// untouched is a body that must not be read.
type untouched struct{ t *testing.T }

func (u untouched) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, errors.New("no")
}
func (untouched) Close() error { return nil }

// What waits is bounded, and its body stays with the client.
func TestHeldRequestsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := inBubble(t, func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		if err := g.Set("app", asleepRoute()); err != nil {
			t.Fatal(err)
		}
		var held sync.WaitGroup
		for range maxHeld {
			held.Go(func() {
				r := httptest.NewRequest("POST", "/", untouched{t})
				r.Host = "app.localhost"
				g.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		synctest.Wait()
		start := time.Now()
		if w := g.ask("GET", "/", nil); w.Code != 503 || w.Header().Get("Retry-After") == "" || time.Since(start) > 0 {
			t.Errorf("one request too many: %d after %v", w.Code, time.Since(start))
		}
		held.Wait()
		_ = g.Close()
	})
}

// A client that disconnects while it is held makes room.
func TestHeldClientLeaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := inBubble(t, func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() })
		if err := g.Set("app", asleepRoute()); err != nil {
			t.Fatal(err)
		}
		ctx, leave := context.WithCancel(t.Context())
		var held sync.WaitGroup
		held.Go(func() {
			r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
			r.Host = "app.localhost"
			g.ServeHTTP(httptest.NewRecorder(), r)
		})
		synctest.Wait()
		if g.held.Load() != 1 {
			t.Errorf("%d held", g.held.Load())
		}
		leave()
		held.Wait()
		if g.held.Load() != 0 {
			t.Errorf("%d held", g.held.Load())
		}
		_ = g.Close()
	})
}

// The login of an app that nobody uses is given up, unless something is open, and comes back with the next request.
func TestUnusedLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := inBubble(t, func(context.Context, string) error { return errors.New("no") })
		defer g.Close()
		if err := g.Set("app", asleepRoute()); err != nil {
			t.Fatal(err)
		}
		found, _ := g.projects.Load("app")
		p := found.(*project)
		kept := func() bool {
			p.login.mu.Lock()
			defer p.login.mu.Unlock()
			return p.login.proxy != nil
		}
		if kept() {
			t.Error("there is a login before the first request")
		}
		for range 2 {
			if w := g.ask("GET", "/", nil); w.Code != 503 || !kept() {
				t.Errorf("%d, kept %v", w.Code, kept())
			}
			time.Sleep(keepLogins - time.Minute)
			if !kept() {
				t.Error("given up too early")
			}
			time.Sleep(keepLogins / 5)
			if kept() {
				t.Error("not given up")
			}
		}
		g.ask("GET", "/", nil)
		p.mu.Lock()
		p.current.ready.Store(true)
		w := p.begin(p.current, nil, &asked{})
		p.mu.Unlock()
		time.Sleep(2 * keepLogins)
		if !kept() {
			t.Error("given up although a request is in flight")
		}
		w.Done()
	})
}

// A wake that fails tells everyone the reason, and nothing else of what is wrong.
func TestWakeFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"with a reason":           {&platform.Problem{Reason: platform.ReasonMemory, Msg: "secret", Err: errors.New("secret")}, platform.ReasonMemory.String()},
		"for the platform's part": {fmt.Errorf("open /srv/secret"), "Try again later"},
	} {
		g := newRig(t, func(o *Options) { o.Wake = func(context.Context, string) error { return tc.err } })
		g.set("app", asleepRoute())
		for kind, header := range map[string]http.Header{"browser": navigate(), "program": {}, "JSON": {"Accept": {"application/json"}}} {
			answer := g.browser().must("GET", g.urlOf("app").String()+"/", "", header)
			if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(answer.body, tc.want) || strings.Contains(answer.body, "secret") {
				t.Errorf("%s, %s: %d %s", name, kind, answer.StatusCode, answer.body)
			}
		}
	}
}

// What wakes an app, what uses it, and what does neither.
func TestIntent(t *testing.T) {
	t.Parallel()
	own := func(h http.Header) http.Header { h.Set("Origin", "http://app.localhost"); return h }
	agent := func(name string) http.Header { return http.Header{"User-Agent": {name}} }
	for name, tc := range map[string]struct {
		method, path string
		header       http.Header
		size         int
		want         intent
	}{
		"a page":                            {"GET", "/", navigate(), 0, byUser},
		"curl":                              {"GET", "/data", agent("curl/8"), 0, byUser},
		"a program without a name":          {"GET", "/data", http.Header{}, 0, byUser},
		"a fetch":                           {"GET", "/data", fromPage(), 0, byPage},
		"a fetch of a page on http":         {"GET", "/data", http.Header{"User-Agent": {"Mozilla/5.0 Firefox"}, "Referer": {"http://app.localhost/"}, "Accept": {"*/*"}}, 0, byPage},
		"a fetch of another site":           {"GET", "/data", http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Site": {"cross-site"}}, 0, byUser},
		"a click":                           {"POST", "/_dash-update-component", fromPage(), 100, byUser},
		"a beacon of a page that closes":    {"POST", "/_solara/api/close/x", http.Header{"Sec-Fetch-Mode": {"no-cors"}, "Sec-Fetch-Site": {"same-origin"}}, 10, byPage},
		"a WebSocket of a page":             {"GET", "/_stcore/stream", own(http.Header{"Upgrade": {"websocket"}}), 0, byPage},
		"a WebSocket of a program":          {"GET", "/_stcore/stream", http.Header{"Upgrade": {"websocket"}}, 0, byUser},
		"a health check":                    {"GET", "/_stcore/health", http.Header{}, 0, byProgram},
		"a page at such an address":         {"GET", "/health", navigate(), 0, byUser},
		"HEAD":                              {"HEAD", "/", http.Header{}, 0, byProgram},
		"OPTIONS":                           {"OPTIONS", "/", http.Header{}, 0, byProgram},
		"a preflight":                       {"OPTIONS", "/api", http.Header{"Access-Control-Request-Method": {"POST"}}, 0, byUser},
		"robots.txt":                        {"GET", "/robots.txt", http.Header{}, 0, byProgram},
		"a well-known address":              {"GET", "/.well-known/security.txt", http.Header{}, 0, byProgram},
		"a crawler":                         {"GET", "/", agent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"), 0, byProgram},
		"a link preview":                    {"GET", "/", agent("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"), 0, byProgram},
		"a monitor":                         {"GET", "/", agent("Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"), 0, byProgram},
		"a health check of a load balancer": {"GET", "/", agent("ELB-HealthChecker/2.0"), 0, byProgram},
		"a device that sends data":          {"POST", "/api/data", agent("RobotMonitor/1.0"), 10, byUser},
		"a phone of this name":              {"GET", "/", agent("Mozilla/5.0 (Linux; Android 10; CUBOT X30) Chrome/120"), 0, byUser},
		"a prefetch":                        {"GET", "/", http.Header{"Sec-Purpose": {"prefetch"}}, 0, byProgram},
		"long polling":                      {"GET", "/ws/socket.io/?EIO=4&transport=polling&sid=x", http.Header{}, 0, byProgram},
		"a pong by polling":                 {"POST", "/ws/socket.io/?EIO=4&transport=polling&sid=x", http.Header{}, 1, byProgram},
		"a message by polling":              {"POST", "/ws/socket.io/?EIO=4&transport=polling&sid=x", http.Header{}, 20, byUser},
		"a heartbeat of Gradio":             {"GET", "/gradio_api/heartbeat/abc", http.Header{}, 0, byProgram},
	} {
		r := httptest.NewRequest(tc.method, "http://app.localhost"+tc.path, bytes.NewReader(make([]byte, tc.size)))
		for header, values := range tc.header {
			r.Header[header] = values
		}
		if got := intentOf(r, navigation.IsPageVisit(r)); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

// Each intent at each state: what wakes the app, and what counts as use.
func TestWhatWakes(t *testing.T) {
	t.Parallel()
	health := func(b *browser) reply { return b.must("GET", b.rig.urlOf("app").String()+"/healthz", "", nil) }
	page := func(b *browser) reply { return b.fetch("GET", "app", "/data", "") }
	user := func(b *browser) reply { return b.open("app", "/") }
	for name, tc := range map[string]struct {
		state platform.State
		ask   func(*browser) reply
		wakes bool
	}{
		"asleep, health check": {platform.StateAsleep, health, false},
		"asleep, open page":    {platform.StateAsleep, page, false},
		"asleep, user":         {platform.StateAsleep, user, true},
		"frozen, health check": {platform.StateFrozen, health, false},
		"frozen, open page":    {platform.StateFrozen, page, true},
		"frozen, user":         {platform.StateFrozen, user, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newVersion(t, "app")
			var g *rig
			g = newRig(t, func(o *Options) {
				o.Wake = func(_ context.Context, id string) error { g.woken <- id; return g.Set(id, running(app.backend(1))) }
			})
			sleeping := app.backend(1)
			sleeping.Ready = false
			g.set("app", Route{State: tc.state, Current: sleeping})
			answer := tc.ask(g.browser())
			if woken := len(g.woken) > 0; woken != tc.wakes || (answer.StatusCode == 200) != tc.wakes {
				t.Errorf("woken %v, %d %s", woken, answer.StatusCode, answer.body)
			}
			if !tc.wakes {
				if _, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || answer.StatusCode != 503 {
					t.Errorf("%d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
				}
				g.set("app", running(app.backend(1)))
				if used := tc.ask(g.browser()).StatusCode == 200 && !g.activity("app", "deployment-1").LastUse.IsZero(); used != (tc.state == platform.StateAsleep && name == "asleep, open page") {
					t.Errorf("used %v", used)
				}
			}
		})
	}
}

// The login of an app never wakes it: neither its pages nor its refusals nor its redirects.
func TestLoginDoesNotWake(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	r := asleepRoute()
	r.Login = passwordLogin("ann", "open sesame")
	r.Current.Base = "/main/"
	g.set("app", r)
	b := g.browser()
	wrong := http.Header{"Authorization": {"Basic YW5uOndyb25n"}}
	for what, answer := range map[string]reply{
		"login page":     b.open("app", "/report"),
		"refusal":        b.fetch("GET", "app", "/data", ""),
		"wrong password": b.must("GET", g.urlOf("app").String()+"/", "", wrong),
		"status":         b.open("app", "/status"),
		"logout":         b.open("app", "/logout"),
		"style":          b.fetch("GET", "app", "/_auth/style.css", ""),
	} {
		if len(g.woken) > 0 || answer.StatusCode == 503 {
			t.Fatalf("%s: %d, woken", what, answer.StatusCode)
		}
	}
	right := http.Header{"Authorization": {"Basic YW5uOm9wZW4gc2VzYW1l"}}
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if answer := b.must("GET", g.urlOf("app").String()+"/", "", right); answer.StatusCode != 307 || answer.Header.Get("Location") != "/main/" || len(g.woken) > 0 {
		t.Errorf("redirect to the base path: %d, woken %v", answer.StatusCode, len(g.woken) > 0)
	}
}

// Data that a user sends over an open WebSocket wakes a frozen app; pings and pongs do not.
func TestWebSocketWakes(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	app := newVersion(t, "app")
	g.set("app", running(app.backend(1)))
	b := g.browser()
	c := b.socket("app", "/ws")
	if _, err := say(t.Context(), c, "x"); err != nil {
		t.Fatal(err)
	}
	frozen := app.backend(1)
	frozen.Ready = false
	before := g.activity("app", "deployment-1").LastUse
	g.set("app", Route{State: platform.StateFrozen, Current: frozen})
	go func() { _, _, _ = c.Read(t.Context()) }() // for the pong
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := g.activity("app", "deployment-1"); a.LastUse != before || a.Sockets != 1 || len(g.woken) > 0 {
		t.Errorf("a ping counts: %+v, woken %v", a, len(g.woken) > 0)
	}
	if err := c.Write(t.Context(), websocket.MessageText, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if id := <-g.woken; id != "app" {
		t.Errorf("woken: %s", id)
	}
	if a := g.activity("app", "deployment-1"); !a.LastUse.After(before) {
		t.Errorf("data does not count: %+v", a)
	}
}

// Every state in which nothing serves has a page, and tells programs to come back.
func TestStates(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	for _, state := range append(platform.States(), "") {
		g.set("app", Route{State: state, Reason: platform.ReasonCrash})
		page := g.browser().open("app", "/report")
		program := g.browser().must("GET", g.urlOf("app").String()+"/", "", nil)
		inJSON := g.browser().must("GET", g.urlOf("app").String()+"/", "", http.Header{"Accept": {"application/json"}})
		refreshes := strings.Contains(page.body, `http-equiv="refresh"`)
		waits := !state.Settled() && state != platform.StateDraining || state == "" || state.Serves()
		for kind, answer := range map[string]reply{"page": page, "text": program, "JSON": inJSON} {
			if answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%q, %s: %d %v", state, kind, answer.StatusCode, answer.Header)
			}
		}
		if refreshes != waits || strings.Contains(page.body, "<script") {
			t.Errorf("%q: the page refreshes: %v, want %v", state, refreshes, waits)
		}
		if said := strings.Contains(page.body, platform.ReasonCrash.String()); said != (state == platform.StateFailed) {
			t.Errorf("%q: %s", state, page.body)
		}
		if state != "" && !strings.Contains(inJSON.body, fmt.Sprintf("%q:%q", "state", state)) || inJSON.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: %s", state, inJSON.body)
		}
	}
}

// An app that has just gone is not a reason to cut a connection.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	app := newVersion(t, "app")
	app.server.Close()
	g.set("app", running(app.backend(1)))
	if answer := g.browser().open("app", "/"); answer.StatusCode != 503 || answer.Header.Get("Retry-After") == "" || !strings.Contains(answer.body, "not responding") {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if a := g.activity("app", "deployment-1"); a.Requests != 0 {
		t.Errorf("%+v", a)
	}
}
