package authproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

const base = "/team/app"

// belowBase serves below a base path.
func belowBase(c config.Config, strip bool) config.Config {
	c.BaseURL, c.StripBasePath = &url.URL{Scheme: "http", Host: "app.example.com", Path: base + "/"}, strip
	return c
}

// newBelowBase is a environment below a base path. Its base URL is where it listens, so that browsers are not led elsewhere.
func newBelowBase(t *testing.T, c config.Config, strip bool, app http.Handler) *oidcEnvironment {
	t.Helper()
	c = belowBase(c, strip)
	return newOIDC(t, c, app, func(env *oidcEnvironment, _ *authproxy.Options) { c.BaseURL.Host = env.host })
}

// Everything of ours is below the base path: pages, forms, links, redirects and cookies. The app gets paths as they are, or
// without it.
func TestBasePath(t *testing.T) {
	t.Parallel()
	for name, strip := range map[string]bool{"kept": false, "stripped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mainApp()
			c.PublicPaths = []string{"/open", "/static/"}
			c.Passwords[config.API] = config.Login{Username: "bot", Password: "bot's"}
			env := newBelowBase(t, c, strip, nil)
			b := env.browser()
			first := b.get(base+"/deep?x=1", asPage)
			if first.StatusCode != http.StatusFound || first.location() != base+"/_auth/login?next=%2Fdeep%3Fx%3D1" {
				t.Fatalf("%d to %q", first.StatusCode, first.location())
			}
			page := b.get(first.location(), asPage)
			for _, address := range regexp.MustCompile(`(?:href|action|src)="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
				if !strings.HasPrefix(address[1], base+"/_auth/") {
					t.Errorf("the login page leads to %q", address[1])
				}
			}
			wantCode(t, b.get(base+"/_auth/style.css"), http.StatusOK)
			form := url.Values{"token": {tokenField.FindStringSubmatch(page.body)[1]}, "next": {"/deep?x=1"}, "username": {user}, "password": {pass}}
			in := b.do("POST", base+"/_auth/login", form.Encode(), asForm, "Origin: "+env.url)
			if in.StatusCode != http.StatusSeeOther || in.location() != base+"/deep?x=1" {
				t.Fatalf("login: %d to %q\n%s", in.StatusCode, in.location(), in.body)
			}
			for _, answer := range []reply{page, in} {
				for _, cookie := range answer.Cookies() {
					if cookie.Path != base {
						t.Errorf("cookie %v", cookie)
					}
				}
			}
			wantApp(t, b.get(base+"/deep%20er?x=%2F", asPage))
			target, prefix := base+"/deep%20er?x=%2F", ""
			if strip {
				target, prefix = "/deep%20er?x=%2F", base
			}
			if got := env.received(); len(got) != 1 || got[0].Target != target || got[0].Header.Get("X-Forwarded-Prefix") != prefix || got[0].Header.Get("Cookie") != "" {
				t.Errorf("the app was asked for %+v", got)
			}
			// Rules are about what is below.
			for path, code := range map[string]int{"/open": 200, "/static/x": 200, "/x": 401, "/api/x": 401, "/open/x": 401, "/status": 200} {
				if got := env.browser().get(base + path); got.StatusCode != code {
					t.Errorf("%s: %d, want %d", path, got.StatusCode, code)
				}
			}
			wantApp(t, env.browser().get(base+"/api/x", asBasic("bot", "bot's")))
			answer, conn, _ := env.raw(env.upgrade(base+"/ws", asBasic(user, pass)))
			_ = conn.Close()
			if answer.StatusCode != http.StatusSwitchingProtocols {
				t.Errorf("WebSocket: %d", answer.StatusCode)
			}
			for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(b.get(base+"/status", asPage).body, -1) {
				if !strings.HasPrefix(link[1], base+"/") {
					t.Errorf("the status page leads to %q", link[1])
				}
			}
			if out := b.get(base + "/logout"); out.location() != base+"/status" {
				t.Errorf("log-out to %q", out.location())
			}
			wantCode(t, b.get(base+"/deep"), http.StatusUnauthorized)
		})
	}
}

// Nothing outside of the base path reaches the app, in whatever spelling, with a session or without (security class 4).
func TestClass4OutsideBasePath(t *testing.T) {
	t.Parallel()
	for name, strip := range map[string]bool{"kept": false, "stripped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mainApp()
			c.PublicPaths = []string{"/open", "/static/"}
			env := newBelowBase(t, c, strip, nil)
			for target, code := range map[string]int{
				"/": 404, "/x": 404, "/team": 404, "/team/": 404, "/team/apps": 404, "/team/app2/x": 404, "/TEAM/app/open": 404, "/team/%61pp/open": 404, "/team%2fapp/open": 400,
				"/open": 404, "/static/x": 404, "/status": 404, "/logout": 404, "/_auth/login": 404, "/callback": 404,
				base + "//open": 400, base + "/../open": 400, base + "/%2e%2e/open": 400, base + "/./open": 400, "/./team/app/open": 404, "//team/app/open": 404,
				base + "/static/../x": 400, base + "/static/%2e%2e/x": 400, base + "/static;x": 400, base + `\open`: 404, base + "%2fopen": 404,
				base + "/team/app/x": 401, "http://x" + base + "/open": 404, base: 307, base + "?x=1": 307,
			} {
				answer, conn, _ := env.raw("GET " + target + " HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\n\r\n")
				_ = conn.Close()
				wanted := []int{code}
				if code == 404 {
					wanted = append(wanted, 400) // refused either way
				}
				if !slices.Contains(wanted, answer.StatusCode) {
					t.Errorf("%s: %d, want %d", target, answer.StatusCode, code)
				}
			}
			if got := env.received(); len(got) > 0 {
				t.Errorf("the app was asked for %v", got)
			}
			if got := env.browser().get(base + "?x=1"); got.location() != base+"/?x=1" {
				t.Errorf("without the slash: to %q", got.location())
			}
			if got := env.browser().get("/", asPage); !strings.Contains(got.body, `href="`+base+`/"`) {
				t.Errorf("elsewhere: %s", got.body)
			}
		})
	}
}

// A login at a provider comes back below the base path, and so does the log-out.
func TestBasePathWithProvider(t *testing.T) {
	t.Parallel()
	env := newBelowBase(t, oidcTwo(), false, nil)
	b := env.browser()
	choice := b.get(base+"/_auth/login?next=/deep", asPage)
	if !strings.Contains(choice.body, `href="`+base+`/_auth/login/first?next=%2Fdeep"`) {
		t.Fatalf("choice\n%s", choice.body)
	}
	visit := b.get(base+"/_auth/login/first?next=%2Fdeep", asPage)
	q := must(url.Parse(visit.location())).Query()
	if q.Get("redirect_uri") != env.url+base+"/callback" {
		t.Fatalf("redirect_uri %q", q.Get("redirect_uri"))
	}
	in := b.get(base+"/callback?"+env.fake.Authorize(t, visit.location()).Encode(), asPage)
	if in.StatusCode != http.StatusFound || in.location() != base+"/deep" {
		t.Fatalf("callback: %d to %q\n%s", in.StatusCode, in.location(), in.body)
	}
	wantApp(t, b.get(base+"/deep"))
	out := must(url.Parse(b.get(base + "/logout").location())).Query()
	if out.Get("post_logout_redirect_uri") != env.url+base+"/status" {
		t.Errorf("log-out with %v", out)
	}
	moved := env.browser().get(base+"/x", asPage, "Host: alias.example.com")
	if moved.location() != env.url+base+"/_auth/login?next=%2Fx&moved=1" {
		t.Errorf("from another name to %q", moved.location())
	}
	token := url.Values{"logout_token": {env.fake.LogoutToken(map[string]any{"sub": "auth0|7"})}}
	wantCode(t, b.do("POST", base+"/_auth/backchannel-logout/first", token.Encode(), asForm), http.StatusOK)
}

// Cookies below a base path cannot have the __Host- prefix, which is for the whole host, and have the next best one. Two
// apps on one host name do not get each other's.
func TestClass10BasePathCookies(t *testing.T) {
	t.Parallel()
	c := belowBase(mainApp(), false)
	c.BaseURL.Scheme = "https"
	env := newEnvironment(t, c, nil)
	in := env.browser().get(base+"/", asBasic(user, pass))
	s := in.cookie("__Secure-ploomber_session")
	if s == nil || !s.Secure || !s.HttpOnly || s.Path != base || s.Domain != "" || s.SameSite != http.SameSiteLaxMode {
		t.Fatalf("cookies %v", in.Header["Set-Cookie"])
	}
	wantApp(t, env.browser().get(base+"/", "Cookie: "+s.Name+"="+s.Value+"; a=1; __Host-ploomber_session=x; __Secure-ploomber_login=x; __Secure-ploomber_oidc_x=y"))
	if got := env.received(); got[len(got)-1].Header.Get("Cookie") != "a=1" {
		t.Errorf("the app gets %q", got[len(got)-1].Header.Get("Cookie"))
	}
	wantCode(t, env.browser().get(base+"/", "Cookie: __Host-ploomber_session="+s.Value), http.StatusUnauthorized)
}

// An app that does not know where it is redirects to the root of the host; one that knows does not.
func TestStrippedRedirects(t *testing.T) {
	t.Parallel()
	for strip, want := range map[bool]map[string]string{
		true: {"/x": base + "/x", "/": base + "/", base + "/x": base + "/x", base: base, base + "?a": base + "?a", "/team/apps": base + "/team/apps",
			"//evil.example/x": "//evil.example/x", "https://other.example/x": "https://other.example/x", "x": "x", "": "",
			"http://app.test/x?y": base + "/x?y", "https://APP.test/x": base + "/x", "http://app.test": base + "/", "http://app.test?y": base + "/?y",
			"https://app.test" + base + "/x": "https://app.test" + base + "/x", "http://app.test//evil.example": "http://app.test//evil.example",
			"http://app.test.evil.example/x": "http://app.test.evil.example/x", "http://app.test:81/x": "http://app.test:81/x",
			"http://app.test@evil.example/x": "http://app.test@evil.example/x", "ftp://app.test/x": "ftp://app.test/x"},
		false: {"/x": "/x", base + "/x": base + "/x", "http://app.test/x": "http://app.test/x"},
	} {
		for location, wanted := range want {
			env := newBelowBase(t, mainApp(), strip, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header()["Location"] = []string{location}
				rw.WriteHeader(http.StatusFound)
			}))
			answer, conn, _ := env.raw(fmt.Sprintf("GET %s/ HTTP/1.1\r\nHost: app.test\r\n%s\r\n\r\n", base, asBasic(user, pass)))
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = conn.Close()
			if got := answer.Header.Get("Location"); got != wanted {
				t.Errorf("stripped %v, %q: %q, want %q", strip, location, got, wanted)
			}
		}
	}
}

// The base path cannot change while browsers have cookies of it.
func TestReloadKeepsBasePath(t *testing.T) {
	t.Parallel()
	env := newBelowBase(t, mainApp(), false, nil)
	c := belowBase(mainApp(), false)
	c.BaseURL.Path = "/other"
	if err := env.proxy.Reload(c); err == nil || !strings.Contains(err.Error(), "AUTH_BASE_URL: has another path") {
		t.Error(err)
	}
	wantCode(t, env.browser().get(base+"/status"), http.StatusOK)
}
