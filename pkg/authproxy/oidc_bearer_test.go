package authproxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

// Security class 11: which tokens let a program in.
func TestClass11BearerTokens(t *testing.T) {
	t.Parallel()
	good := func(f *oidctest.Provider) string { return f.AccessToken(accessAPI, nil) }
	where := func(name string, value any) func(*oidctest.Provider) string {
		return func(f *oidctest.Provider) string { return f.AccessToken(accessAPI, map[string]any{name: value}) }
	}
	for name, tc := range map[string]struct {
		token func(*oidctest.Provider) string
		code  int
	}{
		"good":              {good, 200},
		"another audience":  {func(f *oidctest.Provider) string { return f.AccessToken("https://else.example.com", nil) }, 401},
		"our own client id": {func(f *oidctest.Provider) string { return f.AccessToken(oidctest.ClientID, nil) }, 401},
		"another issuer":    {where("iss", "https://evil.example.com"), 401},
		"no issuer":         {where("iss", nil), 401},
		"expired":           {where("exp", 1), 401},
		"no expiry":         {where("exp", nil), 401},
		"not valid yet":     {where("nbf", time.Now().Add(time.Hour).Unix()), 401},
		"no subject":        {where("sub", nil), 401},
		"ID token":          {where("nonce", "n"), 401},
		"logout token":      {func(f *oidctest.Provider) string { return f.LogoutToken(map[string]any{"aud": accessAPI}) }, 401},
		"foreign key": {func(f *oidctest.Provider) string {
			return oidctest.SignJWT(oidctest.OtherRSA(), f.Alg, f.KeyID, nil, map[string]any{"iss": f.Issuer, "aud": accessAPI, "sub": "x", "iat": 1, "exp": 4e9})
		}, 401},
		"unsigned": {func(f *oidctest.Provider) string {
			return oidctest.Part(map[string]any{"alg": "none"}) + "." + strings.Split(good(f), ".")[1] + "."
		}, 401},
		"no token":       {func(*oidctest.Provider) string { return "x" }, 401},
		"nothing":        {func(*oidctest.Provider) string { return "" }, 401},
		"two in one":     {func(f *oidctest.Provider) string { return good(f) + ", " + good(f) }, 401},
		"more behind it": {func(f *oidctest.Provider) string { return good(f) + " x" }, 401},
		"huge":           {func(*oidctest.Provider) string { return strings.Repeat("a.", 10<<10) }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.BearerAudience = accessAPI
			env := newOIDC(t, c, nil)
			raw := tc.token(env.fake)
			b := env.browser()
			got := b.get("/api/x", "Authorization: "+bearerText+raw)
			if got.StatusCode != tc.code {
				t.Fatalf("%d, want %d\n%s", got.StatusCode, tc.code, env.logs)
			}
			if b.session() != "" {
				t.Error("a session was made")
			}
			if tc.code == 401 {
				want := `Bearer error="invalid_token"`
				if name == "nothing" {
					want = "Bearer"
				}
				if challenge := got.Header.Get("Www-Authenticate"); challenge != want {
					t.Errorf("challenge %q", challenge)
				}
				if len(raw) > 10 && strings.Contains(env.logs.String(), raw[len(raw)/2:]) {
					t.Errorf("the token is in the log:\n%s", env.logs)
				}
				return
			}
			seen := env.received()[0].Header
			if seen.Get("X-Auth-Sub") != "machine|1" || seen.Get("X-Access-Token") != raw || seen.Get("Authorization") != "" || seen.Get("X-Auth-Name") != "" {
				t.Errorf("the app saw %v", seen)
			}
		})
	}
}

func TestBearer(t *testing.T) {
	t.Parallel()
	c := oidcTwo()
	c.BearerAudience = accessAPI
	c.PublicPaths = []string{"/open"}
	c.Passwords = map[config.Feature]config.Login{config.API: {Username: "bot", Password: "beep"}}
	env := newOIDC(t, c, nil)
	b := env.browser()
	header := "Authorization: bearer " + env.other.AccessToken(accessAPI, map[string]any{"email": "bot@company.com", "email_verified": true})
	for range 20 { // verified once
		wantApp(t, b.get("/", header))
	}
	if n := env.net.Count("other.example.com/keys"); n != 1 {
		t.Errorf("keys fetched %d times", n)
	}
	if n := env.net.Count("tenant.example.com/keys"); n != 0 {
		t.Errorf("the other provider was asked %d times", n)
	}
	env.received()
	// The header is the app's where nobody has to log in, where a password opens, and in a session.
	wantApp(t, b.get("/open", header))
	wantCode(t, b.get("/api/x", header), http.StatusUnauthorized)
	env.enterAt(b, "first", env.fake)
	wantApp(t, b.get("/", header))
	for _, s := range env.received() {
		if s.Header.Get("Authorization") == "" || s.Target == "/" && s.Header.Get("X-Auth-Name") != "ann@example.com" {
			t.Errorf("%s: the app saw %v", s.Target, s.Header)
		}
	}
	// Without any token the answer says what would help, and a page leads to the login all the same.
	unknown := env.browser()
	if got := unknown.get("/"); got.Header.Get("Www-Authenticate") != "Bearer" || got.StatusCode != 401 {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
	if got := unknown.get("/", asPage); got.StatusCode != http.StatusFound {
		t.Errorf("page: %d", got.StatusCode)
	}
	// A reload forgets what was verified, and asks anew who may come in.
	env.reload(func(c *config.Config) { c.Access.Domains = []string{"company.com"} })
	wantApp(t, unknown.get("/", header))
	env.reload(func(c *config.Config) { c.Access.Domains = []string{"example.com"} })
	got := unknown.get("/", header)
	wantCode(t, got, http.StatusForbidden)
	if n := strings.Count(env.logs.String(), `msg="login refused" user=bot@company.com by=token`); n != 1 {
		t.Errorf("%d lines:\n%s", n, env.logs)
	}
	env.reload(func(c *config.Config) { c.Access.Domains, c.BearerAudience = nil, "https://else.example.com" })
	wantCode(t, unknown.get("/", header), http.StatusUnauthorized)
	env.reload(func(c *config.Config) { c.BearerAudience = "" })
	if got := unknown.get("/", header); got.StatusCode != 401 || got.Header["Www-Authenticate"] != nil {
		t.Errorf("%d %v", got.StatusCode, got.Header)
	}
}

// A token that has expired opens nothing more, whatever is remembered, and takes its WebSocket along.
func TestBearerExpires(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.BearerAudience = accessAPI
	env := newOIDC(t, c, nil)
	header := "Authorization: Bearer " + env.fake.AccessToken(accessAPI, map[string]any{"exp": env.now().Add(time.Minute).Unix()})
	b := env.browser()
	wantApp(t, b.get("/", header))
	ws := env.open(b, header)
	env.advance(59 * time.Second)
	wantApp(t, b.get("/", header))
	env.advance(2 * time.Second)
	wantClosed(t, ws)
	env.advance(5 * time.Minute)
	wantCode(t, b.get("/", header), http.StatusUnauthorized)

	header = "Authorization: Bearer " + env.fake.AccessToken(accessAPI, nil)
	ws = env.open(b, header)
	env.reload(func(c *config.Config) { c.Access.Emails = []string{} })
	wantClosed(t, ws)
}

// The memory for tokens is bounded, and a provider that is down is told apart from a bad token.
func TestBearerBounds(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.BearerAudience = accessAPI
	env := newOIDC(t, c, nil)
	b := env.browser()
	for i := range 5 {
		wantApp(t, b.get("/", "Authorization: Bearer "+env.fake.AccessToken(accessAPI, map[string]any{"jti": fmt.Sprint(i)})))
	}
	env.net.Set("tenant.example.com", nil)
	env.reload(func(c *config.Config) { c.Providers[0].Scope = "openid" })
	got := b.get("/", "Authorization: Bearer "+env.fake.AccessToken(accessAPI, nil))
	wantCode(t, got, http.StatusServiceUnavailable)
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

// enterAt logs in at one of several providers.
func (env *oidcEnvironment) enterAt(b *browser, name string, f *oidctest.Provider) {
	env.t.Helper()
	if got := b.finishLogin(f, b.get("/_auth/login/"+name, asPage).location()); got.StatusCode != http.StatusFound || b.session() == "" {
		env.t.Fatalf("login: %d to %q\n%s", got.StatusCode, got.location(), got.body)
	}
}
