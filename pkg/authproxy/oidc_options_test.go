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
	w := newOIDC(t, c, nil, withClaims(map[string]any{"preferred_username": "ann.lee", "email": nil}))
	b := w.browser()
	address := b.visit("/")
	if q := must(url.Parse(address)).Query(); q.Get("acr_values") != "mfa" || q.Get("theme") != "dark" {
		t.Error(address)
	}
	b.comeBack(w.fake, address)
	wantApp(t, b.get("/"))
	if h := w.taken()[0].Header; h.Get("X-Auth-Name") != "ann.lee" || h.Get("X-Auth-Sub") != "auth0|7" {
		t.Errorf("the app was told %v", h)
	}
	if !strings.Contains(w.logs.String(), "user=ann.lee") {
		t.Errorf("the log says\n%s", w.logs)
	}
	if got := b.get("/logout"); got.location() != "https://out.example.com/bye?to="+url.QueryEscape(w.url+"/status") {
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
	w := newOIDC(t, c, nil, func(w *oidcEnvironment, _ *authproxy.Options) {
		w.fake.Document = map[string]any{"issuer": issuerURL + "/{tenantid}/v2.0"}
		w.fake.Claims = claims(mine)
		w.net.Set("tenant.example.com", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/common/v2.0")
			w.fake.ServeHTTP(rw, r)
		}))
	})
	b := w.browser()
	w.enter(b)
	wantApp(t, b.get("/"))
	set(w.fake, func() { w.fake.Claims = claims(other) })
	outsider := w.browser()
	if got := outsider.comeBack(w.fake, outsider.visit("/")); got.StatusCode != http.StatusForbidden || outsider.session() != "" {
		t.Errorf("another tenant: %d", got.StatusCode)
	}
	if !strings.Contains(w.logs.String(), "the tenant "+other+" is not among those of AUTH_TENANTS") {
		t.Errorf("the log does not say why\n%s", w.logs)
	}
	w.reload(func(c *config.Config) {
		c.Providers = []config.Provider{c.Providers[0]}
		c.Providers[0].Tenants = other
	})
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	w.reload(func(c *config.Config) {
		c.Providers = []config.Provider{c.Providers[0]}
		c.Providers[0].Tenants = "any"
	})
	w.enter(outsider)
	wantApp(t, outsider.get("/"))
}
