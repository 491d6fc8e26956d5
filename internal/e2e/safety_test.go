package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// walk follows redirects by hand until one leads to an address that begins so, and returns that address.
func (v *client) walk(from, until string) string {
	v.t.Helper()
	for range 10 {
		status, h, body := v.ask(http.MethodGet, from, http.Header{"Accept": {"text/html"}})
		to, err := url.Parse(from)
		if err == nil {
			to, err = to.Parse(h.Get("Location"))
		}
		if err != nil || h.Get("Location") == "" {
			v.t.Fatalf("%s: %d, %v, %s", from, status, err, body)
		}
		if from = to.String(); strings.HasPrefix(from, until) {
			return from
		}
	}
	v.t.Fatalf("%s is never reached", until)
	return ""
}

// callbackOf logs in at the provider and returns the address to which the browser is sent back, unused.
func (v *client) callbackOf(at *oidcprovider.Provider, authorization, back, user string) string {
	v.t.Helper()
	stopped := *v.client
	var callback string
	stopped.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), back) {
			callback = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	if _, err := at.LogIn(v.t.Context(), &stopped, authorization, user); err != nil {
		v.t.Fatal(err)
	}
	if callback == "" {
		v.t.Fatal("the provider sent nobody back")
	}
	return callback
}

// Class 7: an answer of the provider counts in the browser that asked, and once.
func TestCallbackOfAnother(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	attacker, victim := newClient(t), newClient(t)
	authorization := attacker.walk(w.proxy.url+"/mine", w.provider.Issuer()+"/auth")
	callback := attacker.callbackOf(w.provider, authorization, w.proxy.url+"/callback", "user|eve")
	if page := victim.open(callback); page.Status != http.StatusBadRequest {
		t.Errorf("another user's answer: %d, want 400", page.Status)
	}
	if _, in := victim.isIn(w.proxy.url); in {
		t.Error("logged in as the attacker")
	}
	victim.logIn(w.provider, w.proxy.url+"/", "user|ann")
	victim.open(callback)
	if e, in := victim.isIn(w.proxy.url); !in || e.Header.Get("X-Auth-Sub") != "user|ann" {
		t.Errorf("after another user's answer Ann is %q, in: %v", e.Header.Get("X-Auth-Sub"), in)
	}
	page := attacker.open(callback)
	if e := echoOf(t, page.Status, page.Body); e.Path != "/mine" {
		t.Errorf("the answer leads to %s", e.Path)
	}
	cookies := attacker.cookies(w.proxy.url)
	attacker.open(callback) // the browser's back button
	if e, in := attacker.isIn(w.proxy.url); !in || e.Header.Get("X-Auth-Sub") != "user|eve" {
		t.Error("a second use of the answer has ended the session")
	}
	if now := attacker.cookies(w.proxy.url); fmt.Sprint(now) != fmt.Sprint(cookies) {
		t.Errorf("a second use of the answer has changed cookies: %d, %d", len(cookies), len(now))
	}
}

// Class 8: the id before the login is not the one after, and one that was injected is not taken.
func TestFixation(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	thief := newClient(t)
	thief.logIn(w.provider, w.proxy.url+"/", "user|bob")
	injected := thief.cookies(w.proxy.url)
	victim := newClient(t)
	u, err := url.Parse(w.proxy.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range injected {
		if strings.HasPrefix(c.Name, "ploomber") {
			victim.client.Jar.SetCookies(u, []*http.Cookie{{Name: c.Name, Value: c.Value, Path: "/"}})
		}
	}
	if e, in := victim.isIn(w.proxy.url); !in || e.Header.Get("X-Auth-Sub") != "user|bob" {
		t.Fatal("nothing was injected")
	}
	page := victim.logIn(w.provider, w.proxy.url+"/_auth/login", "user|ann")
	if e := echoOf(t, page.Status, page.Body); e.Header.Get("X-Auth-Sub") != "user|ann" {
		t.Errorf("Ann is %q", e.Header.Get("X-Auth-Sub"))
	}
	if e, in := thief.isIn(w.proxy.url); in {
		t.Errorf("the injected id opens the app for %q", e.Header.Get("X-Auth-Sub"))
	}
}

// Class 12: a login that was begun at one provider cannot be ended by another, though both know the application.
func TestMixUp(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	v := newClient(t)
	authorization := v.walk(w.proxy.url+"/_auth/login/first", w.first.Issuer()+"/auth")
	_, query, _ := strings.Cut(authorization, "?")
	callback := v.callbackOf(w.second, w.second.Issuer()+"/auth?"+query, w.proxy.url+"/callback", "user|eve")
	if page := v.open(callback); page.Status < 400 {
		t.Errorf("the second's answer to a question to the first: %d", page.Status)
	}
	without, err := url.Parse(callback)
	if err != nil {
		t.Fatal(err)
	}
	q := without.Query()
	q.Del("iss")
	without.RawQuery = q.Encode()
	if page := v.open(without.String()); page.Status < 400 {
		t.Errorf("the same without saying whose it is: %d", page.Status)
	}
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("logged in")
	}
	if n := w.first.Count("POST /token") + w.second.Count("POST /token"); n != 0 {
		t.Errorf("the code was sent %d times", n)
	}
}

// Only GET of our own paths is ours: some frameworks have a POST /logout and a /login of their own.
func TestPathsOfTheApp(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"AUTH_PUBLIC_PATHS": "/health,/open/"})
	v, other := newClient(t), newClient(t)
	for path, want := range map[string]int{"/health": 200, "/open/a": 200, "/healthy": 401, "/open": 401, "/open/../secret": 401} {
		status, _, body := other.ask(http.MethodGet, w.proxy.url+path, http.Header{"X-Auth-Name": {"forged@example.com"}})
		if status != want && (want != 401 || status != 400) {
			t.Errorf("%s without a session: %d, want %d", path, status, want)
		}
		if strings.Contains(body, "forged") {
			t.Errorf("%s: a forged name went through", path)
		}
	}
	v.logIn(w.provider, w.proxy.url+"/", "user|ann")
	for _, one := range []struct{ method, path string }{{"POST", "/logout"}, {"POST", "/exit"}, {"POST", "/status"},
		{"POST", "/callback"}, {"GET", "/login"}, {"POST", "/login"}, {"GET", "/auth/login"}, {"GET", "/oauth2callback"}} {
		status, _, body := v.ask(one.method, w.proxy.url+one.path, http.Header{"Origin": {w.proxy.url}})
		if e := echoOf(t, status, body); e.Path != one.path || e.Method != one.method {
			t.Errorf("%s %s came as %s %s", one.method, one.path, e.Method, e.Path)
		}
	}
	if _, in := v.isIn(w.proxy.url); !in {
		t.Error("a POST has ended the session")
	}
	out := v.walk(w.proxy.url+"/exit", w.provider.Issuer()+"/session/end")
	if !strings.Contains(out, url.QueryEscape(w.proxy.url+"/status")) {
		t.Errorf("/exit leads to %s", out)
	}
}
