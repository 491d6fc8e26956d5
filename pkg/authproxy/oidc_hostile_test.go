package authproxy_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Security class 18: nothing that a client sends makes the proxy call another place than the configured provider.
func TestClass18OIDCCallsNobodyElse(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.BearerAudience = accessAPI
	env := newOIDC(t, c, nil)
	b := env.browser()
	query := env.fake.Authorize(t, b.beginLogin("/"))
	evil := "https://evil.example.com"
	for name, value := range map[string]string{"iss": evil, "issuer": evil, "request_uri": evil, "token_endpoint": evil, "redirect_uri": evil} {
		q := must(url.ParseQuery(query.Encode()))
		q.Set(name, value)
		b.get("/callback?"+q.Encode(), asPage, "Host: evil.example.com", "X-Forwarded-Host: evil.example.com")
	}
	token := env.fake.AccessToken(accessAPI, map[string]any{"iss": evil})
	logout := env.fake.LogoutToken(map[string]any{"iss": evil, "sub": "x"})
	b.get("/", "Authorization: Bearer "+token)
	b.do("POST", "/_auth/backchannel-logout", "logout_token="+logout, asForm)
	b.get("/_auth/login?issuer="+evil+"&next="+evil, asPage)
	b.get("/_auth/login/"+url.PathEscape(evil), asPage)
	for _, place := range env.net.Asked() {
		if !strings.HasPrefix(place, "tenant.example.com/") {
			t.Errorf("asked %s", place)
		}
	}
}

// Security class 21: nothing is kept for users who have not logged in.
func TestClass21OIDCNothingBeforeLogin(t *testing.T) {
	t.Parallel()
	store := &countingStore{Store: session.NewMemory(0)}
	c := oidcOnly()
	c.Access.Emails = []string{"bob@example.com"}
	env := newOIDC(t, c, nil, withStore(store))
	b := env.browser()
	b.client.Jar = nil
	for range 200 {
		b.get("/x", asPage)
		b.get("/callback?state=x&code=y", asPage)
		b.get("/")
		b.get("/logout")
	}
	in := env.browser()
	wantCode(t, in.finishLogin(env.fake, in.beginLogin("/")), http.StatusForbidden) // ann is not bob
	if n := store.created.Load(); n != 0 {
		t.Errorf("%d sessions before any login", n)
	}
}

// Whatever a callback brings along, it logs nobody in, and the answer is a page of ours.
func FuzzOIDCCallback(f *testing.F) {
	f.Add("state=x&code=y", "")
	f.Add("error=access_denied&error_description=%0d%0a<script>", oidc.CookieName("x")+"=AAAA")
	f.Add("state=x&state=y&iss=", "ploomber_session=x; "+oidc.CookieName("x")+"=; ;=;")
	f.Add("%zz;a=b", "__Host-"+oidc.CookieName("")+"=\x01")
	f.Fuzz(func(t *testing.T, query, cookies string) {
		c := oidcOnly()
		c.BaseURL = &url.URL{Scheme: "http", Host: "localhost:8080"}
		p := must(authproxy.New(c, authproxy.Options{Now: time.Now, Random: rand.Reader, ProviderTransport: oidctest.NewNetwork()}))
		defer func() { _ = p.Close() }()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RequestURI = "/callback?" + query
		r.URL = &url.URL{Path: "/callback", RawQuery: query}
		r.Header["Cookie"] = []string{cookies}
		rec := httptest.NewRecorder()
		p.ServeHTTP(rec, r)
		if rec.Code < 400 || rec.Code >= 500 {
			t.Errorf("%d for %q with %q", rec.Code, query, cookies)
		}
		for _, c := range rec.Result().Cookies() {
			if c.MaxAge >= 0 {
				t.Errorf("sets %s", c)
			}
		}
	})
}

// What the app gets of the cookies is what is not ours, in its order (security class 10).
func TestClass10CookiesProperty(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, config.Config{Public: true}, nil)
	b := env.browser()
	b.client.Jar = nil
	names := rapid.SampledFrom([]string{"a", "theme", "ploomber_theme", "ploomber", "session", "x_ploomber_session", "Ploomber_session"})
	ours := rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom([]string{"", "__Host-"}).Draw(t, "prefix") + rapid.SampledFrom([]string{"ploomber_session", "ploomber_login",
			"ploomber_denied", oidc.CookiePrefix, oidc.CookieName("s")}).Draw(t, "base") + rapid.SampledFrom([]string{"", "_8501", "_x"}).Draw(t, "suffix")
	})
	rapid.Check(t, func(rt *rapid.T) {
		var sent, want []string
		for i := range rapid.IntRange(0, 8).Draw(rt, "cookies") {
			if rapid.Bool().Draw(rt, "ours") {
				sent = append(sent, fmt.Sprintf("%s=%d", ours.Draw(rt, "name"), i))
				continue
			}
			pair := fmt.Sprintf("%s=%d", names.Draw(rt, "name"), i)
			sent, want = append(sent, pair), append(want, pair)
		}
		var lines []string
		for len(sent) > 0 { // over several lines, as HTTP/2 has them
			n := rapid.IntRange(1, len(sent)).Draw(rt, "a line")
			lines = append(lines, "Cookie: "+strings.Join(sent[:n], rapid.SampledFrom([]string{"; ", ";", " ;  "}).Draw(rt, "separator")))
			sent = sent[n:]
		}
		b.get("/", lines...)
		var got []string
		for _, line := range env.received()[0].Header["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				got = append(got, strings.TrimSpace(pair))
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("sent %q, the app got %q, want %q", lines, got, want)
		}
	})
}
