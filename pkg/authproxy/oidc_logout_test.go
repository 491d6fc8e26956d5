package authproxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// Logging out ends the session here and at the provider, which sends the browser back to an address of ours that no
// Host header can change (security classes 9 and 19).
func TestClass9And19OIDCLogout(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		redirect string
		document map[string]any
		path     string
		place    string // at the provider
		back     string // %s is our own origin
	}{
		"logout":             {path: "/logout", place: issuerURL + "/end", back: "%s/status"},
		"exit":               {path: "/exit", place: issuerURL + "/end", back: "%s/status"},
		"to a path":          {redirect: "/bye?x=1", path: "/logout", place: issuerURL + "/end", back: "%s/bye?x=1"},
		"to an address":      {redirect: "https://example.com/bye", path: "/logout", place: issuerURL + "/end", back: "https://example.com/bye"},
		"no end announced":   {document: map[string]any{"end_session_endpoint": nil}, path: "/logout", place: "/status"},
		"no end, to address": {redirect: "https://example.com/bye", document: map[string]any{"end_session_endpoint": nil}, path: "/logout", place: "https://example.com/bye"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.PostLogoutRedirect = tc.redirect
			env := newOIDC(t, c, nil, with(func(f *oidctest.Provider) { f.Document = tc.document }))
			b := env.browser()
			env.logIn(b)
			cookie := "Cookie: ploomber_session=" + b.session()
			ws := env.open(b)
			out := b.get(tc.path, asPage, cookie, "Host: evil.example", "X-Forwarded-Host: evil.example")
			place, query, _ := strings.Cut(out.location(), "?")
			if gone := out.cookie(sessionID); out.StatusCode != http.StatusFound || place != tc.place || gone == nil || gone.MaxAge >= 0 || out.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d to %s, want %s", out.StatusCode, out.location(), tc.place)
			}
			if q := must(url.ParseQuery(query)); tc.back != "" {
				back := tc.back
				if strings.HasPrefix(back, "%s") {
					back = fmt.Sprintf(back, env.url)
				}
				if q.Get("post_logout_redirect_uri") != back || q.Get("id_token_hint") == "" || q.Get("client_id") != oidctest.ClientID {
					t.Errorf("query %v, want to come back to %s", q, back)
				}
			}
			wantClosed(t, ws)
			bare := &browser{env.environment, &http.Client{}}
			wantCode(t, bare.get("/", cookie), http.StatusUnauthorized)
			if again := b.get(tc.path, asPage); again.StatusCode != http.StatusFound || strings.HasPrefix(again.location(), issuerURL) {
				t.Errorf("without a session: to %s", again.location())
			}
			if n := strings.Count(env.logs.String(), `msg="logged out"`); n != 1 {
				t.Errorf("%d lines:\n%s", n, env.logs)
			}
			wantApp(t, func() reply { env.logIn(b); return b.do("POST", tc.path, "") }()) // GET only is ours
		})
	}
}

// A provider ends sessions without a browser, at once, open WebSockets included (security class 9).
func TestClass9BackChannelLogout(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		claims map[string]any
		code   int
		one    bool // ends the session s1
		two    bool // ends the session s2
	}{
		"session":             {map[string]any{"sid": "s1"}, 200, true, false},
		"session and subject": {map[string]any{"sid": "s1", "sub": "auth0|7"}, 200, true, false},
		"subject":             {map[string]any{"sub": "auth0|7"}, 200, true, true},
		"another subject":     {map[string]any{"sub": "auth0|8"}, 200, false, false},
		"another session":     {map[string]any{"sid": "s3"}, 200, false, false},
		"nobody":              {nil, 400, false, false},
		"another audience":    {map[string]any{"sub": "auth0|7", "aud": "x"}, 400, false, false},
		"another issuer":      {map[string]any{"sub": "auth0|7", "iss": otherURL}, 400, false, false},
		"ID token":            {map[string]any{"sub": "auth0|7", "nonce": "n"}, 400, false, false},
		"no events":           {map[string]any{"sub": "auth0|7", "events": nil}, 400, false, false},
		"expired":             {map[string]any{"sub": "auth0|7", "exp": 1}, 400, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newOIDC(t, oidcOnly(), nil, withClaims(map[string]any{"sid": "s1"}))
			one, two := env.browser(), env.browser()
			env.logIn(one)
			set(env.fake, func() { env.fake.Claims = map[string]any{"sid": "s2"} })
			env.logIn(two)
			ws := env.open(one)
			form := url.Values{"logout_token": {env.fake.LogoutToken(tc.claims)}}.Encode()
			provider := env.browser()
			got := provider.do("POST", "/_auth/backchannel-logout", form, asForm)
			if got.StatusCode != tc.code || got.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v\n%s", got.StatusCode, got.Header, env.logs)
			}
			for b, ended := range map[*browser]bool{one: tc.one, two: tc.two} {
				want := http.StatusOK
				if ended {
					want = http.StatusUnauthorized
				}
				if got := b.get("/"); got.StatusCode != want {
					t.Errorf("session ended %v: %d", ended, got.StatusCode)
				}
			}
			if tc.one {
				wantClosed(t, ws)
			} else {
				wantEcho(t, ws)
			}
			if again := provider.do("POST", "/_auth/backchannel-logout", form, asForm); again.StatusCode != http.StatusBadRequest {
				t.Errorf("replayed: %d", again.StatusCode)
			}
		})
	}
}

// A session whose ID token has named none of the provider's is the one that is meant, or may be, where a logout token
// names a session and its subject (security class 9).
func TestClass9BackChannelLogoutOfNamelessSessions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		claims          map[string]any
		nameless, named bool // end
	}{
		"session and subject":         {map[string]any{"sid": "s2", "sub": "auth0|7"}, true, false},
		"the other's and subject":     {map[string]any{"sid": "s1", "sub": "auth0|7"}, true, true},
		"session alone":               {map[string]any{"sid": "s2"}, false, false},
		"session and another subject": {map[string]any{"sid": "s2", "sub": "auth0|8"}, false, false},
		"subject":                     {map[string]any{"sub": "auth0|7"}, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := newOIDC(t, oidcOnly(), nil)
			nameless, named := env.browser(), env.browser()
			env.logIn(nameless)
			set(env.fake, func() { env.fake.Claims = map[string]any{"sid": "s1"} })
			env.logIn(named)
			form := url.Values{"logout_token": {env.fake.LogoutToken(tc.claims)}}.Encode()
			wantCode(t, env.browser().do("POST", "/_auth/backchannel-logout", form, asForm), http.StatusOK)
			for b, ended := range map[*browser]bool{nameless: tc.nameless, named: tc.named} {
				want := http.StatusOK
				if ended {
					want = http.StatusUnauthorized
				}
				if got := b.get("/"); got.StatusCode != want {
					t.Errorf("nameless %v, ended %v: %d", b == nameless, ended, got.StatusCode)
				}
			}
		})
	}
}

func TestBackChannelRequests(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcTwo(), nil)
	b := env.browser()
	form := func() string {
		return url.Values{"logout_token": {env.other.LogoutToken(map[string]any{"sub": "auth0|7"})}}.Encode()
	}
	for name, tc := range map[string]struct {
		method, path, body, kind string
		code                     int
	}{
		"right":           {"POST", "/_auth/backchannel-logout/second", form(), asForm, 200},
		"charset":         {"POST", "/_auth/backchannel-logout/second", form(), asForm + "; charset=UTF-8", 200},
		"other provider":  {"POST", "/_auth/backchannel-logout/first", form(), asForm, 400},
		"which provider":  {"POST", "/_auth/backchannel-logout", form(), asForm, 404},
		"no provider":     {"POST", "/_auth/backchannel-logout/third", form(), asForm, 404},
		"GET":             {"GET", "/_auth/backchannel-logout/second?" + form(), "", asForm, 405},
		"in the address":  {"POST", "/_auth/backchannel-logout/second?" + form(), "", asForm, 400},
		"JSON":            {"POST", "/_auth/backchannel-logout/second", form(), "Content-Type: application/json", 400},
		"no token":        {"POST", "/_auth/backchannel-logout/second", "x=y", asForm, 400},
		"two tokens":      {"POST", "/_auth/backchannel-logout/second", form() + "&" + form(), asForm, 400},
		"garbage":         {"POST", "/_auth/backchannel-logout/second", "logout_token=x.y.z", asForm, 400},
		"too large":       {"POST", "/_auth/backchannel-logout/second", "x=" + strings.Repeat("y", 200<<10) + "&" + form(), asForm, 400},
		"similar address": {"POST", "/_auth/backchannel-logouts", form(), asForm, 404},
	} {
		if got := b.do(tc.method, tc.path, tc.body, tc.kind); got.StatusCode != tc.code || got.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, want %d", name, got.StatusCode, tc.code)
		}
	}
	// Who sends a body slowly is cut off (security class 21).
	env.advance(-10 * time.Second) // so that the limit is over at once
	answer, conn, _ := env.raw(fmt.Sprintf("POST /_auth/backchannel-logout/second HTTP/1.1\r\nHost: %s\r\n%s\r\nContent-Length: 1000\r\n\r\nx", env.host, asForm))
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("slow: %d", answer.StatusCode)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = conn.Close()
	env.advance(10 * time.Second)
	env.net.Set("tenant.example.com", nil)
	env.reload(func(c *config.Config) { c.Providers[0].Scope = "openid" })
	got := b.do("POST", "/_auth/backchannel-logout/first", url.Values{"logout_token": {env.fake.LogoutToken(map[string]any{"sub": "x"})}}.Encode(), asForm)
	wantCode(t, got, http.StatusServiceUnavailable)
}

// EndOwner takes what X-Auth-Sub says; a password and a provider's account stay apart, whatever they are called.
func TestEndOwnerOfProvider(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Passwords = map[config.Feature]config.Login{config.API: {Username: "auth0|7", Password: "beep"}}
	env := newOIDC(t, c, nil)
	b := env.browser()
	env.logIn(b)
	b.login("/api/", "auth0|7", "beep")
	other := env.browser()
	other.login("/api/", "auth0|7", "beep")
	ws := env.open(b)
	wantApp(t, b.get("/"))
	sub := env.received()[1].Header.Get("X-Auth-Sub")
	if err := env.proxy.EndOwner(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	wantClosed(t, ws)
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	wantApp(t, other.get("/api/"))
	if err := env.proxy.EndOwner(t.Context(), "password|"+sub); err != nil {
		t.Fatal(err)
	}
	wantCode(t, other.get("/api/"), http.StatusUnauthorized)
}

// A login keeps the WebSockets of the same person open, and closes those of another.
func TestWebSocketsFollowTheLogin(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil)
	b := env.browser()
	env.logIn(b)
	ws := env.open(b)
	b.finishLogin(env.fake, b.get("/_auth/login", asPage).location())
	wantEcho(t, ws)
	set(env.fake, func() { env.fake.Claims = map[string]any{"sub": "bob", "email": "bob@example.com"} })
	b.finishLogin(env.fake, b.get("/_auth/login", asPage).location())
	wantClosed(t, ws)
	wantApp(t, b.get("/"))
}
