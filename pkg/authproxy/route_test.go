package authproxy_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// routes is a Router that tries its targets one after the other.
type routes struct {
	targets []string

	mu     sync.Mutex
	asked  int
	cookie string   // that the last request came with
	events []string // of the last request
}

func (s *routes) Route(r *http.Request) (authproxy.Destination, http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	s.events, s.cookie = nil, r.Header.Get("Cookie")
	if len(s.targets) == 0 {
		return nil, s.answer("nothing runs")
	}
	return &destination{routes: s, left: s.targets}, nil
}

func (*routes) answer(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, http.StatusServiceUnavailable) })
}

func (s *routes) note(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

type destination struct {
	*routes
	left []string
}

func (d *destination) Target() upstream.Target {
	to, _ := upstream.ParseTarget(d.left[0])
	return to
}

func (d *destination) Begin(context.Context, upstream.Transfer) { d.note("begin") }
func (d *destination) Done()                                    { d.note("done") }
func (d *destination) Accepts(status int) bool                  { return status != 404 || len(d.left) == 1 }
func (d *destination) ModifyResponse(_ int, h http.Header)      { h.Set("X-Routed", "yes") }

func (d *destination) Upgrade(upstream.Transfer) (upstream.WebSocket, bool) {
	d.note("upgrade")
	return d, true
}
func (d *destination) Sent([]byte) {}
func (d *destination) Closed()     { d.note("closed") }

func (d *destination) Next(err error) (bool, http.Handler) {
	if d.left = d.left[1:]; len(d.left) > 0 {
		return true, nil
	}
	if errors.Is(err, upstream.ErrUnreachable) {
		return false, d.answer("nothing answers")
	}
	return false, nil
}

// The Router is asked once the login lets a request through. What it says decides, also after a try that failed.
func TestRouter(t *testing.T) {
	t.Parallel()
	app := proxytest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "app "+string(body))
	}))
	missing := proxytest.Start(t, http.NotFoundHandler())
	const closed = "http://127.0.0.1:1"
	for name, tc := range map[string]struct {
		targets []string
		body    string
		code    int
		want    string
		events  string
	}{
		"an app":                       {[]string{app}, "", 200, "app ", "begin done"},
		"nothing":                      {nil, "", 503, "nothing runs", ""},
		"first one not reached":        {[]string{closed, app}, "data", 200, "app data", "begin done begin done"},
		"none reached":                 {[]string{closed, closed}, "data", 503, "nothing answers", "begin done begin done"},
		"first one does not have it":   {[]string{missing, app}, "", 200, "app ", "begin done begin done"},
		"none has it":                  {[]string{missing, missing}, "", 404, "404 page not found", "begin done begin done"},
		"the other one is not reached": {[]string{missing, closed}, "", 503, "nothing answers", "begin done begin done"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			router := &routes{targets: tc.targets}
			env := &environment{t: t, logs: &syncBuffer{}}
			p, err := authproxy.New(mainApp(), authproxy.Options{Router: router, Now: time.Now, Random: rand.Reader, BcryptCost: bcrypt.MinCost})
			if err != nil {
				t.Fatal(err)
			}
			env.proxy, env.url = p, env.serve(p)
			if code := codeOf(t, env.url); code != 401 || router.asked > 0 {
				t.Fatalf("without a login: %d, asked %d times", code, router.asked)
			}
			req, _ := http.NewRequest("POST", env.url+"/x", strings.NewReader(tc.body))
			req.SetBasicAuth(user, pass)
			req.AddCookie(&http.Cookie{Name: "ploomber_pages", Value: "x"})
			answer, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			if answer.StatusCode != tc.code || strings.TrimSpace(string(body)) != strings.TrimSpace(tc.want) || len(answer.Cookies()) == 0 {
				t.Errorf("%d %q %v; want %d %q and a session", answer.StatusCode, body, answer.Header, tc.code, tc.want)
			}
			router.mu.Lock()
			defer router.mu.Unlock()
			if events := strings.Join(router.events, " "); events != tc.events || router.asked != 1 || router.cookie != "ploomber_pages=x" {
				t.Errorf("%q, asked %d times, with the cookie %q; want %q", events, router.asked, router.cookie, tc.events)
			}
		})
	}
}

// A process that serves many apps closes one proxy without the connections of the others.
func TestSharedConnections(t *testing.T) {
	t.Parallel()
	app := proxytest.Start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "app") }))
	direct := upstream.NewDirect(time.Now)
	t.Cleanup(direct.Close)
	var proxies []*authproxy.Proxy
	for range 2 {
		p, err := authproxy.New(config.Config{Public: true}, authproxy.Options{Upstream: app, Direct: direct, Now: time.Now, Random: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		proxies = append(proxies, p)
	}
	env := &environment{t: t, logs: &syncBuffer{}}
	env.proxy, env.url = proxies[0], env.serve(proxies[0])
	_ = proxies[1].Close()
	for range 2 {
		if code := codeOf(t, env.url); code != 200 {
			t.Errorf("%d", code)
		}
	}
}

func codeOf(t *testing.T, address string) int {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
