package authproxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Security class 16: guessing is stopped, by form and by header alike, for the right password too; a client that is
// logged in goes on.
func TestClass16BruteForce(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	in := env.browser()
	in.login("/", user, pass)
	refusals := 0
	for i := range 10 {
		if i%2 == 0 {
			env.browser().get("/", asBasic(user, fmt.Sprint(i)))
		} else if env.browser().login("/", user, fmt.Sprint(i)).StatusCode == http.StatusTooManyRequests {
			refusals++
		}
	}
	if refusals == 0 {
		t.Error("no guess was refused")
	}
	basic := env.browser().get("/", asBasic(user, pass))
	wantCode(t, basic, http.StatusTooManyRequests)
	if basic.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	b := env.browser()
	if got := b.login("/", user, pass); got.StatusCode != http.StatusTooManyRequests || b.session() != "" || got.Header.Get("Retry-After") == "" {
		t.Errorf("form: %d", got.StatusCode)
	}
	wantApp(t, in.get("/"))
	env.advance(time.Hour)
	wantApp(t, env.browser().get("/", asBasic(user, pass)))
}

// Credentials in our name are not the app's business, on no path; all others are.
func TestClass16CredentialsStayHere(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.PublicPaths = []string{"/public"}
	env := newEnvironment(t, c, nil)
	b := env.browser()
	b.login("/", user, pass)
	for name, tc := range map[string]struct {
		path, header string
		passed       bool
	}{
		"ours":                {"/", asBasic(user, pass), false},
		"ours, old password":  {"/", asBasic(user, "old"), false},
		"ours, public path":   {"/public", asBasic(user, pass), false},
		"ours, lower case":    {"/", strings.Replace(asBasic(user, pass), "Basic", "basic", 1), false},
		"the app's own Basic": {"/", asBasic("carol", "x"), true},
		"Bearer":              {"/", "Authorization: Bearer x.y.z", true},
	} {
		wantApp(t, b.get(tc.path, tc.header))
		_, value, _ := strings.Cut(tc.header, ": ")
		if got := env.received()[0].Header.Get("Authorization"); (got == value) != tc.passed || got != "" && !tc.passed {
			t.Errorf("%s: the app got %q", name, got)
		}
	}
	answer, _, _ := env.raw(fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\n%s\r\nAuthorization: Bearer x\r\n\r\n", env.host, asBasic(user, pass)))
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("two Authorization headers: %d", answer.StatusCode)
	}
}

var (
	quoted  = regexp.MustCompile(`"[^"]*"`) // attributes' values, out of which nothing can break
	scripty = regexp.MustCompile(`(?i)<script|<img|\son[a-z]+\s*=|javascript:|\sstyle\s*=`)
)

// Security class 17: what a client sends is text on our pages, and no page runs a script or shows in a frame.
func TestClass17OwnPages(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	const attack = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	logged := env.browser()
	logged.login("/", user, pass)
	pages := map[string]reply{
		"login":          b.get("/_auth/login?next="+url.QueryEscape("/"+attack), asPage),
		"wrong password": b.login("/", attack, attack),
		"no such page":   b.get("/_auth/"+url.PathEscape("<script>"), asPage),
		"expired":        b.do("POST", "/_auth/login", url.Values{"username": {attack}, "next": {attack}}.Encode(), asForm, asPage),
		"unauthorised":   b.get("/"+url.PathEscape("<script>"), asPage, asBasic(attack, attack)),
	}
	env.proxy.SetStarting()
	pages["starting"] = logged.get("/", asPage)
	env.proxy.SetDown()
	pages["down"] = logged.get("/", asPage)
	for name, page := range pages {
		if scripty.MatchString(quoted.ReplaceAllString(page.body, `""`)) || strings.Contains(page.body, `"javascript:`) {
			t.Errorf("%s: %s", name, page.body)
		}
		h := page.Header
		csp := h.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") ||
			h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("X-Frame-Options") != "DENY" ||
			!strings.HasPrefix(h.Get("Content-Type"), "text/html; charset=utf-8") {
			t.Errorf("%s: header %v", name, h)
		}
		if !strings.Contains(csp, "img-src 'self'") || !strings.Contains(page.body, `<link rel="icon" href="/_auth/icon.svg"`) {
			t.Errorf("%s: the browser asks the app for an icon: %s\n%s", name, csp, page.body)
		}
		if !strings.Contains(page.body, `<html lang="en">`) || !strings.Contains(page.body, "<h1>") || !strings.Contains(page.body, "<title>") {
			t.Errorf("%s: not for everybody to read: %s", name, page.body)
		}
		if strings.Contains(page.body, pass) || strings.Contains(page.body, logged.session()) {
			t.Errorf("%s shows a secret", name)
		}
	}
	css := b.get("/_auth/style.css")
	if css.StatusCode != 200 || !strings.HasPrefix(css.Header.Get("Content-Type"), "text/css") || !strings.Contains(css.body, "prefers-color-scheme: dark") {
		t.Errorf("style: %d %v", css.StatusCode, css.Header)
	}
	icon := b.get("/_auth/icon.svg", "Sec-Fetch-Dest: image", "Sec-Fetch-Mode: no-cors")
	if icon.StatusCode != 200 || icon.Header.Get("Content-Type") != "image/svg+xml" || icon.Header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.HasPrefix(icon.Header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.HasPrefix(icon.body, "<svg ") {
		t.Errorf("icon: %d %v", icon.StatusCode, icon.Header)
	}
	wantCode(t, b.do("POST", "/_auth/icon.svg", "x"), http.StatusMethodNotAllowed)
}

// Every field of the login page has a label, and everything the browser's password manager looks for.
func TestLoginPageIsAccessible(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	page := env.browser().login("/", user, "wrong").body
	for _, want := range []string{`<label for="username">`, `id="username"`, `<label for="password">`, `id="password"`, `type="password"`,
		`autocomplete="username"`, `autocomplete="current-password"`, `role="alert"`, `aria-describedby="problem"`, `name="viewport"`,
		`value="` + user + `"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%s is missing in\n%s", want, page)
		}
	}
}

// Security class 19: no address of ours is made from the Host header.
func TestClass19Host(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	for _, got := range []reply{
		b.get("/x", asPage, "Host: evil.example"), b.get("/logout", "Host: evil.example"), b.get("/_auth/login?next=/x", asPage, "Host: evil.example"),
	} {
		for name, values := range got.Header {
			if strings.Contains(strings.Join(values, ""), "evil") {
				t.Errorf("%s: %q", name, values)
			}
		}
		if strings.Contains(got.body, "evil.example") {
			t.Errorf("body %s", got.body)
		}
	}
	wantCode(t, b.get("/", "Host: localhost"), http.StatusUnauthorized)
}

// countingStore counts sessions that are made.
type countingStore struct {
	session.Store
	created atomic.Int64
}

func (c *countingStore) Create(ctx context.Context, s *session.Session) error {
	c.created.Add(1)
	return c.Store.Create(ctx, s)
}

// Security class 21: nothing is kept for users who have not logged in, and programs without cookies share a session.
func TestClass21NothingBeforeLogin(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: session.NewMemory(0)}
	env := newEnvironmentWith(t, mainApp(), nil, store)
	b := env.browser()
	b.client.Jar = nil
	for range 500 {
		b.get("/_auth/login", asPage)
		b.get("/", asPage)
		b.get("/")
		b.get("/status")
		b.get("/logout")
	}
	if n := store.created.Load(); n != 0 {
		t.Errorf("%d sessions before any login", n)
	}
	for range 100 {
		wantApp(t, b.get("/", asBasic(user, pass)))
	}
	if n := store.created.Load(); n != 1 {
		t.Errorf("%d sessions for one program", n)
	}
}

// failingStore is a store that has gone away.
type failingStore struct{ session.Store }

var errStore = errors.New("store has gone")

func (failingStore) Use(context.Context, session.Key, time.Time) (*session.Session, error) {
	return nil, errStore
}
func (failingStore) Create(context.Context, *session.Session) error { return errStore }

// A store that fails opens nothing and says so in the log; credentials still do.
func TestStoreFails(t *testing.T) {
	t.Parallel()
	env := newEnvironmentWith(t, mainApp(), nil, failingStore{session.NewMemory(0)})
	wantCode(t, env.browser().get("/", "Cookie: ploomber_session="+strings.Repeat("A", 43)), http.StatusUnauthorized)
	wantApp(t, env.browser().get("/", asBasic(user, pass)))
	if got := env.browser().login("/", user, pass); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("form: %d", got.StatusCode)
	}
	if !strings.Contains(env.logs.String(), errStore.Error()) {
		t.Errorf("log %s", env.logs)
	}
}

// A refused client cannot hold a connection by sending the body slowly.
func TestClass21SlowBody(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	env.advance(-5 * time.Second) // so that the limit of five seconds is over at once
	answer, conn, br := env.raw(fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\nx", env.host))
	if answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d", answer.StatusCode)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("err = %v, want the end", err)
	}
	_ = conn.Close()
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}

// Security class 22: no secret is in the log, and nothing a client sends makes a line of its own.
func TestClass22Logs(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	const forged = "x\r\ntime=now level=INFO msg=\"logged in\" user=mallory\x1b[31m"
	b.login("/", forged, "tried-"+pass)
	b.get("/", asBasic(forged, "tried-"+pass))
	b.login("/", pass, user) // the wrong way round
	b.login("/secret-path?token=canary", user, pass)
	id := b.session()
	b.get("/secret-path?token=canary", "Authorization: Bearer canary", "X-Canary: canary")
	b.get("/logout")
	if err := env.proxy.SetUpstream("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	b.get("/?canary", asBasic(user, pass))
	log := env.logs.String()
	for _, secret := range []string{pass, id, "canary", "mallory", "\x1b", "Bearer"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
	for line, want := range map[string]int{`msg="logged in"`: 2, `msg="logged out"`: 1, `msg="credentials refused"`: 3} {
		if got := strings.Count(log, line); got != want {
			t.Errorf("%s: %d lines, want %d:\n%s", line, got, want, log)
		}
	}
}

// Security class 23: only the user's own browser may keep what the user has seen, unless the app said so.
func TestClass23Caching(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if said := r.URL.Query().Get("say"); said != "" {
			rw.Header().Set("Cache-Control", said)
		}
		if r.Header.Get("If-None-Match") != "" {
			rw.WriteHeader(http.StatusNotModified)
		}
	}))
	b := env.browser()
	if in := b.login("/", user, pass); in.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("login: %q", in.Header.Get("Cache-Control"))
	}
	for path, want := range map[string]string{"/": "private", "/?say=public,max-age=60": "public,max-age=60", "/?say=no-cache": "no-cache",
		"/status": "no-store", "/_auth/login": "no-store"} {
		if got := b.get(path).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	// What a 304 says takes the place of what was said with the page, so it says what the app says.
	for path, want := range map[string]string{"/": "", "/?say=no-cache": "no-cache", "/?say=private": "private"} {
		got := b.get(path, `If-None-Match: "v1"`)
		if said := strings.Join(got.Header["Cache-Control"], ", "); got.StatusCode != http.StatusNotModified || said != want {
			t.Errorf("%s not modified: %d %q, want %q", path, got.StatusCode, said, want)
		}
	}
	first := env.browser().get("/?say=public", asBasic(user, pass))
	if got := first.Header.Get("Cache-Control"); got != "no-store" || first.cookie("ploomber_session") == nil {
		t.Errorf("an answer with a session: %q", got)
	}
	for _, got := range []reply{env.browser().get("/x", asPage), env.browser().get("/x"), env.browser().get("/logout")} {
		if got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d: %q", got.StatusCode, got.Header.Get("Cache-Control"))
		}
	}
}
