package authproxy_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// The proxies of one process ask a provider once, however many apps have it, also after a reload.
func TestProxiesShareIssuers(t *testing.T) {
	t.Parallel()
	network, fake := oidctest.NewNetwork(), oidctest.New(issuerURL, time.Now)
	network.Set("tenant.example.com", fake)
	app := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(app.Close)
	issuers := oidc.NewIssuers(oidc.IssuersOptions{Now: time.Now, Transport: network})
	slots := password.NewHashSlots(1)
	token := fake.AccessToken(accessAPI, nil)
	var all sync.WaitGroup
	for i := range 100 {
		c := oidcOnly()
		c.BearerAudience = accessAPI
		c.BaseURL = &url.URL{Scheme: "https", Host: fmt.Sprintf("app-%d.example.com", i)}
		p := must(authproxy.New(c, authproxy.Options{Upstream: app.URL, Now: time.Now, Random: rand.Reader, BcryptCost: bcrypt.MinCost,
			Issuers: issuers, HashSlots: slots}))
		t.Cleanup(func() { _ = p.Close() })
		ask := func() {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Host = c.BaseURL.Host
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			if p.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("app %d: %d, want 200", i, w.Code)
			}
		}
		all.Go(func() {
			ask()
			c.Providers[0].ClientSecret = "another"
			if err := p.Reload(c); err != nil {
				t.Error(err)
			}
			ask()
		})
	}
	all.Wait()
	for _, path := range []string{"/.well-known/openid-configuration", "/keys"} {
		if n := network.Count("tenant.example.com" + path); n != 1 {
			t.Errorf("%s was asked for %d times, want once", path, n)
		}
	}
}
