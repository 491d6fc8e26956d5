package oidc_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("opaque-token"))
	for name, tc := range map[string]struct {
		options func(*oidc.Options)
		fake    func(*oidctest.Provider)
	}{
		"plain": {},
		"slash announced": {fake: func(f *oidctest.Provider) {
			f.Document = map[string]any{"issuer": f.Issuer + "/"}
			f.Claims = map[string]any{"iss": f.Issuer + "/"}
		}},
		"no scheme typed": {options: func(o *oidc.Options) { o.Issuer = " Tenant.example.com/ " }},
		"secret in the form": {fake: func(f *oidctest.Provider) {
			f.Document = map[string]any{"token_endpoint_auth_methods_supported": []string{"client_secret_post"}}
			f.OnlyPost = true
		}},
		"secret registered as form": {fake: func(f *oidctest.Provider) { f.OnlyPost = true }},
		"nothing announced": {fake: func(f *oidctest.Provider) {
			f.Document = map[string]any{"token_endpoint_auth_methods_supported": nil, "id_token_signing_alg_values_supported": nil}
		}},
		"ES256": {fake: func(f *oidctest.Provider) {
			f.Key, f.Alg = oidctest.ECKey(), jose.ES256
			f.Public = []jose.JSONWebKey{{Key: oidctest.ECKey().Public(), KeyID: "k1"}}
		}},
		"EdDSA": {fake: func(f *oidctest.Provider) {
			f.Key, f.Alg = oidctest.EdKey(), jose.EdDSA
			f.Public = []jose.JSONWebKey{{Key: oidctest.EdKey().Public(), KeyID: "k1"}}
		}},
		"no key id": {fake: func(f *oidctest.Provider) { f.KeyID = "" }},
		"access token's hash": {fake: func(f *oidctest.Provider) {
			f.Claims = map[string]any{"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16])}
		}},
		"two audiences with azp": {fake: func(f *oidctest.Provider) {
			f.Claims = map[string]any{"aud": []string{"api", oidctest.ClientID}, "azp": oidctest.ClientID}
		}},
		"clock 4 minutes ahead": {fake: func(f *oidctest.Provider) {
			now := f.Now().Unix()
			f.Claims = map[string]any{"iat": now + 240, "nbf": now + 240}
		}},
		"clock 4 minutes behind": {fake: func(f *oidctest.Provider) {
			now := f.Now().Unix()
			f.Claims = map[string]any{"iat": now - 900, "exp": now - 240}
		}},
		"verified as text": {fake: func(f *oidctest.Provider) { f.Claims = map[string]any{"email_verified": "true"} }},
		"answers with iss": {fake: func(f *oidctest.Provider) {
			f.Document = map[string]any{"authorization_response_iss_parameter_supported": true}
		}},
		"e-mail by userinfo": {fake: func(f *oidctest.Provider) {
			f.Claims = map[string]any{"email": nil, "email_verified": nil}
			f.Userinfo = map[string]any{"sub": "auth0|7", "email": "ann@example.com", "email_verified": true}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t, tc.options)
			if tc.fake != nil {
				tc.fake(e.fake)
			}
			address, tx := e.begin(t, e.Provider)
			query := e.fake.Authorize(t, address)
			if _, announced := e.fake.Document["authorization_response_iss_parameter_supported"]; announced {
				query.Set("iss", issuerURL)
			}
			login, err := e.Finish(t.Context(), query, tx)
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Identity{Name: "ann@example.com", Subject: "auth0|7", AccessToken: "opaque-token", IDToken: login.Tokens.IDToken}
			if login.Identity() != want || !login.User.EmailVerified || login.ReturnTo != "/deep?x=1" || login.Tokens.IDToken == "" {
				t.Errorf("identity %+v, person %+v, return to %q", login.Identity(), login.User, login.ReturnTo)
			}
			if !login.Tokens.Expires.Equal(e.clock.now().Add(time.Hour)) {
				t.Errorf("expires %v", login.Tokens.Expires)
			}
			if shown := fmt.Sprintf("%v %+v %#v", login, login, login) + fmt.Sprintf("%v %#v", login.Tokens, tx); strings.Contains(shown, "opaque") {
				t.Errorf("printing shows a token: %s", shown)
			}
		})
	}
}

func TestAuthorizationRequest(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(o *oidc.Options) { o.Scope, o.Audience = "profile offline_access", "https://api.example.com" })
	e.fake.Document = map[string]any{"authorization_endpoint": issuerURL + "/authorize?policy=p1"}
	address, _ := e.begin(t, e.Provider)
	got := must(url.Parse(address)).Query()
	for name, want := range map[string]string{"scope": "openid profile offline_access", "audience": "https://api.example.com",
		"redirect_uri": callbackURL, "policy": "p1"} {
		if got.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Get(name), want)
		}
	}
	other, _ := e.begin(t, e.Provider)
	again := must(url.Parse(other)).Query()
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if got.Get(name) == again.Get(name) {
			t.Errorf("%s is the same in two logins", name)
		}
	}
}

// Ten tabs log in, and finish in another order (class 7).
func TestParallelTabs(t *testing.T) {
	t.Parallel()
	e := newEnv(t, nil)
	var wg sync.WaitGroup
	cookies := sync.Map{}
	for range 10 {
		wg.Go(func() {
			address, tx, err := e.Begin(t.Context(), "/")
			if err != nil {
				t.Error(err)
				return
			}
			cookies.Store(tx.CookieName(), e.sealer.Seal(tx))
			query := e.fake.Authorize(t, address)
			sealed, ok := cookies.Load(oidc.CookieName(query.Get("state")))
			if !ok {
				t.Error("the state does not lead to the cookie")
				return
			}
			unsealed, err := e.sealer.Open(sealed.(string))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := e.Finish(t.Context(), query, unsealed); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := e.net.Count("tenant.example.com/.well-known/openid-configuration"); n != 1 {
		t.Errorf("asked for the discovery document %d times, want once", n)
	}
}

// Over a real connection, with the transport that a Provider has of its own.
func TestLoginOverTheWire(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := oidctest.New("", c.now)
	server := httptest.NewServer(http.HandlerFunc(f.ServeHTTP))
	t.Cleanup(server.Close)
	f.Issuer = server.URL
	p, err := oidc.New(oidc.Options{Issuer: server.URL + "/", ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret,
		RedirectURL: callbackURL, Now: c.now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	address, tx, err := p.Begin(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), f.Authorize(t, address), tx); err != nil {
		t.Fatal(err)
	}
}
