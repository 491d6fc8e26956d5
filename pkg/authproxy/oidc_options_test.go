package authproxy_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// What a provider has of its own is on the way to it, on the way out, and in what the app is told.
func TestProviderOptions(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Providers[0].Params, c.Providers[0].NameClaim = "acr_values=mfa&theme=dark", "preferred_username"
	c.Providers[0].LogoutURL = "https://out.example.com/bye?to={return_to}"
	env := newOIDC(t, c, nil, withClaims(map[string]any{"preferred_username": "ann.lee", "email": nil}))
	b := env.browser()
	address := b.beginLogin("/")
	if q := must(url.Parse(address)).Query(); q.Get("acr_values") != "mfa" || q.Get("theme") != "dark" {
		t.Error(address)
	}
	b.finishLogin(env.fake, address)
	wantApp(t, b.get("/"))
	if h := env.received()[0].Header; h.Get("X-Auth-Name") != "ann.lee" || h.Get("X-Auth-Sub") != "auth0|7" {
		t.Errorf("the app was told %v", h)
	}
	if !strings.Contains(env.logs.String(), "user=ann.lee") {
		t.Errorf("the log says\n%s", env.logs)
	}
	if got := b.get("/logout"); got.location() != "https://out.example.com/bye?to="+url.QueryEscape(env.url+"/status") {
		t.Errorf("log-out to %q", got.location())
	}
}

// Of many tenants those come in that are listed, at the login and from every reload on (security class 9).
func TestTenants(t *testing.T) {
	t.Parallel()
	const mine, other = "11111111-2222-3333-4444-555555555555", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
	c := oidcOnly()
	c.Providers[0].Issuer, c.Providers[0].Tenants = issuerURL+"/common/v2.0", mine
	claims := func(tid string) map[string]any {
		return map[string]any{"tid": tid, "iss": issuerURL + "/" + tid + "/v2.0"}
	}
	env := newOIDC(t, c, nil, func(env *oidcEnvironment, _ *authproxy.Options) {
		env.fake.Document = map[string]any{"issuer": issuerURL + "/{tenantid}/v2.0"}
		env.fake.Claims = claims(mine)
		env.net.Set("tenant.example.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/common/v2.0")
			env.fake.ServeHTTP(rw, r)
		}))
	})
	b := env.browser()
	env.logIn(b)
	wantApp(t, b.get("/"))
	set(env.fake, func() { env.fake.Claims = claims(other) })
	outsider := env.browser()
	if got := outsider.finishLogin(env.fake, outsider.beginLogin("/")); got.StatusCode != http.StatusForbidden || outsider.session() != "" {
		t.Errorf("another tenant: %d", got.StatusCode)
	}
	if !strings.Contains(env.logs.String(), "the tenant "+other+" is not among those of AUTH_TENANTS") {
		t.Errorf("the log does not say why\n%s", env.logs)
	}
	env.reload(func(c *config.Config) {
		c.Providers = []config.Provider{c.Providers[0]}
		c.Providers[0].Tenants = other
	})
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	env.reload(func(c *config.Config) {
		c.Providers = []config.Provider{c.Providers[0]}
		c.Providers[0].Tenants = "any"
	})
	env.logIn(outsider)
	wantApp(t, outsider.get("/"))
}
