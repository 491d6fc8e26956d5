package authproxy_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
)

// One id goes through the app's log and ours; nobody can write into either by choosing one (security class 22).
func TestClass22RequestID(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	b := env.browser()
	env.logIn(b)
	cookie := "Cookie: ploomber_session=" + b.session()
	fresh := regexp.MustCompile(`^[0-9a-f]{32}$`)
	for given, kept := range map[string]bool{
		"": false, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736": true, "Root=1-67891233-abcdef012345678912345678": true, "a/b+c==@x:y_z.1": true,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false, "a b": false, "a\tb": false, "a\"b": false, "a\\b": false, "é": false,
		"a,b": false, "a;b": false, "\x1b[31m": false, "<b>": false, "a=b level=INFO": false,
	} {
		env.raw("GET / HTTP/1.1\r\nHost: " + env.host + "\r\n" + cookie + "\r\nX-Request-Id: " + given + "\r\nX_Request_ID: evil\r\nx.request-id: evil\r\n\r\n")
		got := env.received()
		if len(got) == 0 { // the server has refused the bytes
			continue
		}
		ids := got[0].Header["X-Request-Id"]
		if len(ids) != 1 || kept && ids[0] != given || !kept && !fresh.MatchString(ids[0]) {
			t.Errorf("%q became %q", given, ids)
		}
		for name, values := range got[0].Header {
			if strings.Join(values, "") == "evil" {
				t.Errorf("the app got %s: %q", name, values)
			}
		}
	}
	for _, name := range append(spellings("X-Request-Id"), "X~Request!Id", strings.Repeat("-", 30)+"XRequestID") {
		env.raw("GET / HTTP/1.1\r\nHost: " + env.host + "\r\n" + cookie + "\r\nX-Request-Id: fine\r\n" + name + ": e v i l\r\n\r\n")
		for _, s := range env.received() {
			for header, values := range s.Header {
				if slices.Contains(values, "e v i l") {
					t.Errorf("%s reached the app as %s", name, header)
				}
			}
		}
	}
	two := map[string]bool{}
	for range 300 {
		wantApp(t, b.get("/"))
	}
	for _, s := range env.received() {
		two[s.Header.Get("X-Request-Id")] = true
	}
	if len(two) != 300 {
		t.Errorf("%d ids for 300 requests", len(two))
	}
	refused := env.browser().get("/", "X-Request-Id: twice-1", "X-Request-Id: twice-2")
	if id := refused.Header.Get("X-Request-Id"); !fresh.MatchString(id) {
		t.Errorf("a refusal names %q", id)
	}
}

// Every line about a request has its id, and none has a secret (security class 22).
func TestClass22OIDCLogs(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.BearerAudience = accessAPI
	c.Providers[0].Audience = accessAPI
	c.Access.Domains = []string{"example.com"}
	env := newOIDC(t, withBot(c), nil, with(withRefresh))
	b := env.browser()
	address := b.beginLogin("/secret-path?token=canary")
	query := env.fake.Authorize(t, address)
	secrets := []string{"canary", query.Get("code"), query.Get("state"), "access-", "refresh-", "eyJ", "s&cret", longSecret, "beep", "code-"}
	for name, value := range must(b.get("/_auth/login", asPage).Location()).Query() {
		if name == "nonce" || name == "state" || name == "code_challenge" {
			secrets = append(secrets, value[0])
		}
	}
	jar := b.client.Jar.Cookies(must(env.parsed()))
	for _, cookie := range jar {
		secrets = append(secrets, cookie.Value)
	}
	b.get("/callback?"+query.Encode(), asPage)
	secrets = append(secrets, b.session())
	wantApp(t, b.get("/?canary", "Authorization: Bearer canary"))
	b.client.Jar.SetCookies(must(env.parsed()), jar)
	b.get("/callback?"+query.Encode(), asPage)
	outsider := env.browser()
	outsider.get("/callback?state=canary&code=canary&error=canary", asPage)
	outsider.get("/?canary", "Authorization: Bearer "+env.fake.AccessToken(accessAPI, nil))
	outsider.get("/?canary", "Authorization: Bearer canary.canary.canary")
	outsider.do("POST", "/_auth/backchannel-logout", "logout_token="+env.fake.LogoutToken(map[string]any{"sub": "x"}), asForm)
	outsider.do("POST", "/_auth/backchannel-logout", "logout_token=canary", asForm)
	outsider.get("/api/", asBasic("canary", "canary"))
	outsider.login("/api/", "bot", "beep")
	set(env.fake, func() {
		env.fake.Claims = map[string]any{"email": "a@b@c canary\r\nmsg=\"logged in\"", "sub": "\x1b[31m"}
	})
	denied := env.browser()
	denied.finishLogin(env.fake, denied.beginLogin("/"))
	env.advance(2 * time.Hour)
	b.get("/") // the refresh is refused
	b.get("/logout")
	log := env.logs.String()
	for _, secret := range secrets {
		if secret != "" && strings.Contains(log, secret) {
			t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
	if strings.Contains(log, "\x1b") {
		t.Errorf("escape sequences in\n%s", log)
	}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `msg="provider found"`) && !regexp.MustCompile(` request=[0-9a-f]{32}\n`).MatchString(line) {
			t.Errorf("no id in %s", line)
		}
	}
	for line, want := range map[string]int{`msg="logged in"`: 2, `msg="logged out"`: 2, `msg="credentials refused"`: 1, `msg="token refused"`: 1,
		`msg="login refused"`: 3, `msg="logout refused"`: 1} {
		if got := strings.Count(log, line); got != want {
			t.Errorf("%s: %d lines, want %d:\n%s", line, got, want, log)
		}
	}
}

// wait waits for the end of so many requests, and of all WebSockets: an answer is there before it is counted.
func (c *counters) wait(t *testing.T, requests int) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		sum := 0
		for _, n := range c.statuses {
			sum += n
		}
		open := c.open
		c.mu.Unlock()
		if sum == requests && open == 0 {
			return
		}
		if time.Since(start) > patience {
			t.Fatalf("%d requests and %d WebSockets are counted, want %d and none", sum, open, requests)
		}
	}
}

// The Observer is told of everything, once.
func TestObserver(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, withBot(oidcOnly()), nil)
	b := env.browser()
	env.logIn(b)
	b.login("/api/", "bot", "wrong")
	wantApp(t, b.get("/"))
	ws := env.open(b)
	env.counted.mu.Lock()
	if env.counted.open != 1 {
		t.Errorf("%d WebSockets", env.counted.open)
	}
	env.counted.mu.Unlock()
	wantApp(t, b.get("/api/", asBasic("bot", "beep")))
	if err := env.proxy.SetUpstream("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	b.get("/")
	b.get("/logout")
	wantClosed(t, ws)
	env.browser().get("/")
	env.counted.wait(t, 10)
	env.counted.mu.Lock()
	defer env.counted.mu.Unlock()
	for event, want := range map[observe.Event]int{observe.Login: 1, observe.Refused: 1, observe.Logout: 1, observe.AppError: 0} {
		if env.counted.events[event] != want {
			t.Errorf("%s: %d, want %d", event, env.counted.events[event], want)
		}
	}
	for status, want := range map[int]int{200: 3, 101: 1, 302: 3, 401: 1, 403: 1, 503: 1} {
		if env.counted.statuses[status] != want {
			t.Errorf("%d: %d times, want %d (%v)", status, env.counted.statuses[status], want, env.counted.statuses)
		}
	}
	if len(observe.Events()) != 4 {
		t.Errorf("events %v", observe.Events())
	}
}

// An Observer changes nothing of what the app sends: streams, large bodies, statuses.
func TestObserverStaysOutOfTheWay(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.PublicPaths = []string{"/open/"}
	env := newOIDC(t, c, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/open/large":
			rw.Header().Set("Content-Length", "3000000")
			_, _ = rw.Write([]byte(strings.Repeat("x", 3_000_000)))
		case "/open/stream":
			for range 3 {
				_, _ = rw.Write([]byte("piece "))
				_ = http.NewResponseController(rw).Flush()
			}
		case "/open/teapot":
			rw.WriteHeader(http.StatusTeapot)
		}
	}))
	b := env.browser()
	if got := b.get("/open/large"); len(got.body) != 3_000_000 {
		t.Errorf("%d bytes", len(got.body))
	}
	if got := b.get("/open/stream"); got.body != "piece piece piece " {
		t.Errorf("%q", got.body)
	}
	if got := b.get("/open/teapot"); got.StatusCode != http.StatusTeapot {
		t.Errorf("%d", got.StatusCode)
	}
	env.counted.wait(t, 3)
	if env.counted.statuses[418] != 1 || env.counted.statuses[200] != 2 {
		t.Errorf("counted %v", env.counted.statuses)
	}
}
