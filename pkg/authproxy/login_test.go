package authproxy_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

func TestLoginByForm(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()

	visit := b.get("/deep/link?a=1&b=%20", asPage)
	wantCode(t, visit, http.StatusFound)
	to, err := url.Parse(visit.location())
	if err != nil || to.Path != "/_auth/login" || to.Query().Get("next") != "/deep/link?a=1&b=%20" {
		t.Fatalf("sent to %q", visit.location())
	}
	if in := b.login("/deep/link?a=1&b=%20", user, "wrong"); in.StatusCode != http.StatusForbidden || b.session() != "" ||
		!strings.Contains(in.body, "wrong") {
		t.Errorf("wrong password: %d, session %v", in.StatusCode, b.session() != "")
	}
	in := b.login("/deep/link?a=1&b=%20", user, pass)
	if in.StatusCode != http.StatusSeeOther || in.location() != "/deep/link?a=1&b=%20" || b.session() == "" {
		t.Fatalf("login: %d to %q", in.StatusCode, in.location())
	}
	if got := env.received(); len(got) != 0 {
		t.Fatalf("the app saw %v before anybody had logged in", got)
	}
	wantApp(t, b.get("/deep/link?a=1&b=%20", "Cookie: app=1; other=2", "Authorization: Bearer of-the-app"))
	got := env.received()[0]
	if got.Header.Get("X-Auth-Name") != user || got.Header.Get("X-Auth-Sub") != "password|"+user {
		t.Errorf("identity %v", got.Header)
	}
	if got.Target != "/deep/link?a=1&b=%20" || got.Host != env.host {
		t.Errorf("target %q of %q", got.Target, got.Host)
	}
	if c := got.Header.Get("Cookie"); c != "app=1; other=2" {
		t.Errorf("cookies %q", c)
	}
	if a := got.Header.Get("Authorization"); a != "Bearer of-the-app" {
		t.Errorf("authorization %q", a)
	}
	if s := b.get("/status"); s.body != "logged in" {
		t.Errorf("status %q", s.body)
	}
	for _, path := range []string{"/logout", "/exit"} {
		out := b.get(path)
		if out.StatusCode != http.StatusFound || out.location() != "/status" || b.session() != "" {
			t.Errorf("%s: %d to %q", path, out.StatusCode, out.location())
		}
		if s := b.get("/status"); s.body != "logged out" {
			t.Errorf("status after %s: %q", path, s.body)
		}
		wantCode(t, b.get("/"), http.StatusUnauthorized)
		b.login("/", user, pass)
	}
}

func TestLoginByBasic(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"} {
		got := b.do(method, "/data", "")
		wantCode(t, got, http.StatusUnauthorized)
		if c := got.Header.Get("WWW-Authenticate"); !strings.HasPrefix(c, "Basic ") {
			t.Errorf("%s: challenge %q", method, c)
		}
	}
	wrong := b.get("/data", asBasic(user, "wrong"), asPage)
	wantCode(t, wrong, http.StatusUnauthorized)
	wantApp(t, b.get("/data", asBasic(user, pass)))
	got := env.received()[0]
	if got.Header.Get("Authorization") != "" || got.Header.Get("X-Auth-Name") != user {
		t.Errorf("the app saw %v", got.Header)
	}
	first := b.session()
	if first == "" {
		t.Fatal("no session after Basic credentials")
	}
	wantApp(t, b.get("/data")) // by the session alone
	again := env.browser()
	wantApp(t, again.get("/data", asBasic(user, pass)))
	if again.session() != first {
		t.Error("the same program got a second session")
	}
	b.get("/logout")
	wantCode(t, again.get("/data"), http.StatusUnauthorized)
	wantApp(t, again.get("/data", asBasic(user, pass)))
	if again.session() == first {
		t.Error("a session was used again after its logout")
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mode          config.Mode
		page, program int  // status of a page visit and of anything else
		challenge     bool // for a program
		basic         bool // credentials are looked at
	}{
		"auto":  {config.ModeAuto, http.StatusFound, http.StatusUnauthorized, true, true},
		"basic": {config.ModeBasic, http.StatusUnauthorized, http.StatusUnauthorized, true, true},
		"form":  {config.ModeForm, http.StatusFound, http.StatusUnauthorized, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mainApp()
			c.PasswordMode = tc.mode
			env := newEnvironment(t, c, nil)
			b := env.browser()
			wantCode(t, b.get("/", asPage), tc.page)
			program := b.get("/")
			wantCode(t, program, tc.program)
			if got := program.Header.Get("WWW-Authenticate") != ""; got != tc.challenge {
				t.Errorf("challenge %v, want %v", got, tc.challenge)
			}
			if got := b.get("/", asBasic(user, pass)).StatusCode == http.StatusOK; got != tc.basic {
				t.Errorf("Basic credentials open it: %v, want %v", got, tc.basic)
			}
			if got := env.browser().get("/_auth/login", asPage).StatusCode == http.StatusOK; got != (tc.mode != config.ModeBasic) {
				t.Errorf("login page: %v", got)
			}
		})
	}
}

// Only a page visit is redirected; everything else learns at once that it has to log in.
func TestWhoGetsTheLoginPage(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	for name, tc := range map[string]struct {
		method string
		header []string
		page   bool
	}{
		"browser on a secure origin":  {"GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", asPage}, true},
		"browser without Sec-Fetch":   {"GET", []string{asPage}, true},
		"form posted too late":        {"POST", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", asPage}, true},
		"HEAD":                        {"HEAD", []string{asPage}, true},
		"service worker passes on":    {"GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty", asPage}, true},
		"and a form":                  {"POST", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: empty", asPage}, true},
		"fetched ahead":               {"GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Purpose: prefetch;prerender", asPage}, false},
		"worker's own fetch":          {"GET", []string{"Sec-Fetch-Mode: same-origin", "Sec-Fetch-Dest: empty", asPage}, false},
		"embedded":                    {"GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: embed", asPage}, false},
		"frame":                       {"GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", asPage}, false},
		"fetch":                       {"GET", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", asPage}, false},
		"image":                       {"GET", []string{"Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image", "Accept: image/*"}, false},
		"XMLHttpRequest":              {"GET", []string{asPage, "X-Requested-With: XMLHttpRequest"}, false},
		"curl":                        {"GET", []string{"Accept: */*"}, false},
		"no Accept":                   {"GET", nil, false},
		"refuses HTML":                {"GET", []string{"Accept: application/json, text/html;q=0"}, false},
		"wrong credentials in a page": {"GET", []string{asPage, asBasic(user, "no")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.do(tc.method, "/x", "", tc.header...)
			if page := got.StatusCode == http.StatusFound; page != tc.page || !page && got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%d, want the login page: %v", got.StatusCode, tc.page)
			}
			if tc.method == "POST" && tc.page && got.location() != "/_auth/login" {
				t.Errorf("sent to %q", got.location())
			}
		})
	}
}

func TestFeatures(t *testing.T) {
	t.Parallel()
	login := func(name string) config.Login {
		return config.Login{Username: name, Password: config.Secret(name + " pw")}
	}
	all := map[config.Feature]config.Login{
		config.MainApp: login("main"), config.API: login("api"), config.Analytics: login("analytics")}
	for name, tc := range map[string]struct {
		features []config.Feature
		public   []string
		opens    map[string]string // path -> whose credentials open it; "" is open to everybody
	}{
		"main app": {[]config.Feature{config.MainApp}, nil,
			map[string]string{"/": "main", "/api/x": "main", "/analytics": "main"}},
		"api only": {[]config.Feature{config.API}, nil,
			map[string]string{"/": "", "/apiary": "", "/api": "api", "/api/": "api", "/api/x": "api", "/API/x": "api", "/%61pi/x": "api", "/analytics": ""}},
		"all": {config.Features(), nil,
			map[string]string{"/": "main", "/api/x": "api", "/analytics/report": "analytics", "/analytics2": "main"}},
		"public paths": {[]config.Feature{config.MainApp, config.API}, []string{"/health", "/static/", "/api/ping"},
			map[string]string{"/": "main", "/health": "", "/health/x": "main", "/Health": "main", "/static": "main", "/static/a.css": "",
				"/STATIC/a.css": "main", "/api/ping": "", "/api/pong": "api", "/health?x": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Config{Passwords: map[config.Feature]config.Login{}, PublicPaths: tc.public}
			for _, f := range tc.features {
				c.Passwords[f] = all[f]
			}
			env := newEnvironment(t, c, nil)
			for path, owner := range tc.opens {
				for _, name := range []string{"", "main", "api", "analytics"} {
					var header []string
					if name != "" {
						header = []string{asBasic(name, name+" pw")}
					}
					got := env.browser().get(path, header...)
					if open := got.StatusCode == http.StatusOK; open != (owner == "" || owner == name) {
						t.Errorf("%s with %q: %d", path, name, got.StatusCode)
					}
				}
			}
		})
	}
}

// One browser may log in to several features; each login is a new session that keeps what the last one granted.
func TestLoginToTwoFeatures(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords[config.API] = config.Login{Username: "bot", Password: "beep"}
	env := newEnvironment(t, c, nil)
	b := env.browser()
	b.login("/", user, pass)
	first := b.session()
	wantCode(t, b.get("/api/x"), http.StatusUnauthorized)
	b.login("/api/x", "bot", "beep")
	if b.session() == first {
		t.Error("the id did not change")
	}
	wantApp(t, b.get("/"))
	wantApp(t, b.get("/api/x"))
	got := env.received()
	if got[0].Header.Get("X-Auth-Name") != user || got[1].Header.Get("X-Auth-Name") != "bot" {
		t.Errorf("names %q, %q", got[0].Header["X-Auth-Name"], got[1].Header["X-Auth-Name"])
	}
}

// The credential of one feature may guard a listener of its own.
func TestOnly(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords[config.Analytics] = config.Login{Username: "eve", Password: "numbers"}
	env := newEnvironment(t, c.Only(config.Analytics), nil)
	wantCode(t, env.browser().get("/", asBasic(user, pass)), http.StatusUnauthorized)
	wantApp(t, env.browser().get("/", asBasic("eve", "numbers")))
	if err := c.Only(config.API).Validate(); !errors.Is(err, config.ErrUnprotected) {
		t.Errorf("a feature without credentials: %v", err)
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.SessionIdle, c.SessionLifetime = time.Hour, 3*time.Hour
	env := newEnvironment(t, c, nil)
	b := env.browser()
	b.login("/", user, pass)
	for range 3 {
		env.advance(50 * time.Minute)
		wantApp(t, b.get("/"))
	}
	env.advance(50 * time.Minute) // past the whole lifetime, though in use
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	b.login("/", user, pass)
	env.advance(time.Hour)
	wantCode(t, b.get("/"), http.StatusUnauthorized)
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	b.login("/", user, pass)
	cookie := "Cookie: ploomber_session=" + b.session()
	for name, header := range map[string][]string{
		"session":            {cookie},
		"session and origin": {cookie, "Origin: " + env.url},
		"credentials":        {asBasic(user, pass)},
	} {
		t.Run(name, func(t *testing.T) {
			answer, conn, br := env.raw(env.upgrade("/ws", header...))
			if answer.StatusCode != http.StatusSwitchingProtocols {
				t.Fatalf("status %d", answer.StatusCode)
			}
			for _, word := range []string{"hello", "again"} {
				_, _ = io.WriteString(conn, word)
				got := make([]byte, len(word))
				if _, err := io.ReadFull(br, got); err != nil || string(got) != word {
					t.Fatalf("echo %q, %v", got, err)
				}
			}
		})
	}
}

// Logging out closes the WebSockets of that session, and only those.
func TestLogoutClosesWebSockets(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	a, other := env.browser(), env.browser()
	a.login("/", user, pass)
	other.login("/", user, pass)
	open := func(b *browser) (io.Writer, io.Reader) {
		answer, conn, br := env.raw(env.upgrade("/ws", "Cookie: ploomber_session="+b.session()))
		if answer.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("status %d", answer.StatusCode)
		}
		return conn, br
	}
	_, first := open(a)
	_, second := open(a)
	out, in := open(other)
	a.get("/exit")
	for _, r := range []io.Reader{first, second} {
		if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("read %d bytes, %v; want a closed connection", n, err)
		}
	}
	_, _ = io.WriteString(out, "x")
	if _, err := io.ReadFull(in, make([]byte, 1)); err != nil {
		t.Errorf("the other session's WebSocket: %v", err)
	}
}

func TestUpstreamStates(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), nil)
	b := env.browser()
	b.login("/", user, pass)
	wantApp(t, b.get("/"))

	env.proxy.SetStarting()
	page := b.get("/", asPage)
	wantCode(t, page, http.StatusServiceUnavailable)
	if !strings.Contains(page.body, "starting") || !strings.Contains(page.body, `http-equiv="refresh"`) || page.Header.Get("Retry-After") == "" {
		t.Errorf("starting: %v %s", page.Header, page.body)
	}
	if line := b.get("/").body; !strings.HasPrefix(line, "The app is starting. ") || strings.Count(line, "\n") != 1 {
		t.Errorf("starting, to a program: %q", line)
	}
	wantCode(t, env.browser().get("/"), http.StatusUnauthorized) // not a word to strangers

	if err := env.proxy.SetUpstream("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, b.get("/"), http.StatusServiceUnavailable) // it may still come up
	env.proxy.SetDown()
	line := b.get("/")
	wantCode(t, line, http.StatusBadGateway)
	if page := b.get("/", asPage); !strings.HasPrefix(line.body, "The app is down. ") || !strings.Contains(page.body, `<a class="button" href="">Try again</a>`) {
		t.Errorf("down: %q\n%s", line.body, page.body)
	}
	for _, bad := range []string{"", "localhost:80", "ftp://x", "http://", "http://x/path", "http://u@x", "http://x?q", "http://x:a"} {
		if err := env.proxy.SetUpstream(bad); err == nil {
			t.Errorf("SetUpstream(%q) worked", bad)
		}
	}
}
