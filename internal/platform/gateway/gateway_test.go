package gateway

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Each app is at its own host name, and nowhere else.
func TestHosts(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	g.set("one", running(newVersion(t, "app one").backend(1)))
	g.set("two", running(newVersion(t, "app two").backend(1)))
	for host, want := range map[string]struct {
		code int
		body string
	}{
		"one.localhost":     {200, "app one"},
		"ONE.localhost":     {200, "app one"},
		"two.localhost:80":  {200, "app two"},
		"three.localhost":   {404, "There is no app here"},
		"localhost":         {200, "Apps are served here"},
		"127.0.0.1":         {404, "There is no app here"},
		"one.two.localhost": {404, "There is no app here"},
	} {
		for kind, header := range map[string]http.Header{"browser": navigate(), "program": {}} {
			req, _ := http.NewRequest("GET", "http://127.0.0.1:"+g.public.Port()+"/", nil)
			req.Header, req.Host = header, host
			answer, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			var body strings.Builder
			_ = answer.Write(&body)
			_ = answer.Body.Close()
			if answer.StatusCode != want.code || !strings.Contains(body.String(), want.body) {
				t.Errorf("%s, %s: %d %s; want %d, %q", host, kind, answer.StatusCode, body.String(), want.code, want.body)
			}
			policy := answer.Header.Get("Content-Security-Policy")
			if !strings.HasPrefix(want.body, "app") && !strings.Contains(policy, "default-src 'none'") {
				t.Errorf("%s: our page has the policy %q", host, policy)
			}
		}
	}
}

// The pages about missing apps have a style sheet.
func TestStyle(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	for _, address := range []string{g.public.String(), g.urlOf("missing").String()} {
		if answer := g.browser().must("GET", address+"/_auth/style.css", "", nil); answer.StatusCode != 200 || !strings.Contains(answer.body, "{") {
			t.Errorf("%s: %d", address, answer.StatusCode)
		}
	}
}

// A login is needed for the app with one, and for nothing else. The app learns who it is, and not from the client.
func TestLogin(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	open, closed := newVersion(t, "open"), newVersion(t, "closed")
	g.set("open", running(open.backend(1)))
	r := running(closed.backend(1))
	r.Login = passwordLogin("ann", "open sesame")
	g.set("closed", r)

	b := g.browser()
	if answer := b.open("closed", "/report"); !strings.Contains(answer.body, "Log in") || answer.Request.URL.Path != "/_auth/login" {
		t.Errorf("without a login: %d %s", answer.StatusCode, answer.body)
	}
	spoofed := http.Header{"X-Auth-Name": {"root"}, "X_auth_sub": {"root"}}
	if answer := b.must("GET", g.urlOf("open").String()+"/", "", spoofed); answer.body != "open" {
		t.Errorf("the open app: %d %s", answer.StatusCode, answer.body)
	}
	if answer := b.open("open", "/status"); answer.body != "open" {
		t.Errorf("/status of the open app: %s", answer.body)
	}
	for _, seen := range open.requests() {
		for name := range seen.Header {
			if strings.HasPrefix(strings.ReplaceAll(strings.ToLower(name), "_", "-"), "x-auth") {
				t.Errorf("the open app got %s", name)
			}
		}
	}
	req, _ := http.NewRequest("GET", g.urlOf("closed").String()+"/report", nil)
	req.SetBasicAuth("ann", "open sesame")
	answer, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	seen := closed.requests()
	if answer.StatusCode != 200 || len(seen) != 1 || seen[0].Header.Get("X-Auth-Name") != "ann" || seen[0].Host != g.urlOf("closed").Host {
		t.Errorf("with a password: %d, the app got %v", answer.StatusCode, seen)
	}
}

// Two apps with the same variables, as they are copied from project to project, share no session.
func TestSessionsStayWithTheirApp(t *testing.T) {
	t.Parallel()
	g := newRig(t, func(o *Options) { o.Sessions = t.TempDir() + "/sessions.db" })
	login := passwordLogin("ann", "open sesame")
	login.Secrets = []config.Secret{"0af4c1d29be78356aa01fe62b93c47d8"}
	for _, id := range []string{"one", "two"} {
		r := running(newVersion(t, id).backend(1))
		r.Login = login
		g.set(id, r)
	}
	session := func(id string) *http.Cookie {
		b := g.browser()
		req, _ := http.NewRequest("GET", g.urlOf(id).String()+"/", nil)
		req.SetBasicAuth("ann", "open sesame")
		answer, err := b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		for _, c := range b.Jar.Cookies(g.urlOf(id)) {
			if c.Name == "ploomber_session" {
				return c
			}
		}
		t.Fatalf("no session at %s", id)
		return nil
	}
	code := func(id string, c *http.Cookie) int {
		return g.browser().must("GET", g.urlOf(id).String()+"/", "", http.Header{"Cookie": {c.String()}}).StatusCode
	}
	one, two := session("one"), session("two")
	if code("one", one) != 200 || code("two", two) != 200 {
		t.Error("a session is not valid at its own app")
	}
	if code("two", one) != 401 || code("one", two) != 401 {
		t.Error("a session is valid at another app")
	}
	p, _ := g.projects.Load("one")
	proxy, err := p.(*project).login.acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer p.(*project).login.release()
	if err := proxy.EndOwner(t.Context(), "password|ann"); err != nil {
		t.Fatal(err)
	}
	if code("one", one) != 401 || code("two", two) != 200 {
		t.Error("the end of a user's sessions at one app does not end those at that app only")
	}

	one = session("one")
	g.Remove("two")
	again := running(newVersion(t, "two").backend(1))
	again.Login = login
	g.set("two", again) // another project with the ID and the variables of the deleted one
	if code("two", two) != 401 || code("one", one) != 200 {
		t.Error("the deletion of a project does not end its sessions only")
	}
}

// Sessions outlive the gateway, and a new version of the app with another login configuration.
func TestSessionsGoOn(t *testing.T) {
	t.Parallel()
	file, key, app := t.TempDir()+"/sessions.db", []byte("a key of 32 bytes, always the same"), newVersion(t, "app")
	route := func(extra string) Route {
		r := running(app.backend(1))
		r.Login = passwordLogin("ann", "open sesame")
		r.Login.Passwords[config.API] = config.Login{Username: "api", Password: config.Secret(extra)}
		return r
	}
	var cookies []*http.Cookie
	for start, extra := range []string{"first password", "second password"} {
		t.Run(extra, func(t *testing.T) {
			g := newRig(t, func(o *Options) { o.Sessions, o.Key = file, key })
			g.set("app", route("something else"))
			b := g.browser()
			if start == 0 {
				req, _ := http.NewRequest("GET", g.urlOf("app").String()+"/", nil)
				req.SetBasicAuth("ann", "open sesame")
				answer, err := b.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				cookies = b.Jar.Cookies(g.urlOf("app"))
			}
			b.Jar.SetCookies(g.urlOf("app"), cookies)
			if answer := b.open("app", "/"); answer.body != "app" {
				t.Errorf("before: %d %s", answer.StatusCode, answer.body)
			}
			g.set("app", route(extra))
			if answer := b.open("app", "/"); answer.body != "app" {
				t.Errorf("after a new configuration: %d %s", answer.StatusCode, answer.body)
			}
		})
	}
}

// A login with mistakes leaves everything as it is.
func TestMisconfiguredLogin(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	app := newVersion(t, "app")
	r := running(app.backend(1))
	r.Login = passwordLogin("ann", "open sesame")
	g.set("app", r)
	wrong := running(newVersion(t, "wrong").backend(2))
	wrong.Login = passwordLogin("ann", "")
	var problem *platform.Problem
	if err := g.Set("app", wrong); !errors.As(err, &problem) || problem.Reason != platform.ReasonLogin {
		t.Errorf("Set: %v", err)
	}
	req, _ := http.NewRequest("GET", g.urlOf("app").String()+"/", nil)
	req.SetBasicAuth("ann", "open sesame")
	if answer, err := g.browser().Do(req); err != nil || answer.StatusCode != 200 {
		t.Errorf("%v, %v", answer, err)
	} else {
		_ = answer.Body.Close()
	}
	if len(app.requests()) != 1 {
		t.Error("the request did not go to the deployment before")
	}
}

// A project whose current deployment has failed keeps its login, for the pages and for what is left of earlier deployments.
func TestLoginStaysWithoutADeployment(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	old := newVersion(t, "old")
	r := running(old.backend(1))
	r.Login = passwordLogin("ann", "open sesame")
	g.set("app", r)
	g.set("app", Route{State: platform.StateFailed, Reason: platform.ReasonCrash, Draining: []Backend{old.backend(1)}})
	for name, header := range map[string]http.Header{"page": navigate(), "fetch": fromPage()} {
		header.Set("Cookie", "ploomber_pages=abcdefghijkl.1")
		if answer := g.browser().must("GET", g.urlOf("app").String()+"/", "", header); strings.Contains(answer.body, "crashed") || !strings.Contains(answer.body, "Log in") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, answer.body)
		}
	}
	g.set("restarted", Route{State: platform.StateFailed, Draining: []Backend{old.backend(1)}}) // whose login is not known
	if answer := g.browser().must("GET", g.urlOf("restarted").String()+"/", "", http.Header{"Cookie": {"ploomber_pages=abcdefghijkl.1"}}); answer.StatusCode != 503 {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if len(old.requests()) > 0 {
		t.Error("a request without a login reached the app")
	}
}

// An app's cookies are its own: none is for the whole domain, and none has a name of the gateway.
func TestCookiesOfApps(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	g.set("app", running(newVersion(t, "app").backend(1)))
	for _, line := range g.browser().fetch("GET", "app", "/set", "").Header.Values("Set-Cookie") {
		if strings.Contains(line, "Domain") || strings.Contains(line, "ploomber_pages") {
			t.Errorf("Set-Cookie: %s", line)
		}
	}
	for line, want := range map[string]string{
		"a=b":                                 "a=b",
		"a=domain; Path=/":                    "a=domain; Path=/",
		"a=b; domain=example.com":             "a=b",
		"a=b; Path=/; DOMAIN = .x ; HttpOnly": "a=b; Path=/; HttpOnly",
		"Domain=x; Secure":                    "Domain=x; Secure", // a cookie of this name
		"a=b;Domain;domain=y;Max-Age=1":       "a=b;Max-Age=1",
	} {
		if got := withoutDomain(line); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	g := newRig(t, nil)
	g.set("app", running(newVersion(t, "app").backend(1)))
	b := g.browser()
	b.open("app", "/")
	c := b.socket("app", "/ws")
	if answer, err := say(t.Context(), c, "hello"); answer != "app hello" {
		t.Fatalf("%q, %v", answer, err)
	}
	g.Remove("app")
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the WebSocket goes on")
	}
	if answer := b.open("app", "/"); answer.StatusCode != 404 {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	if g.Activity("app") != nil {
		t.Error("there is activity of a project that is gone")
	}
}
