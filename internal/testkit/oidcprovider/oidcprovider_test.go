package oidcprovider_test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

func jar(t *testing.T) *http.Client {
	t.Helper()
	j, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: j}
}

// app is a client of the provider: it remembers the queries with which browsers come back.
func app(t *testing.T) (*httptest.Server, chan url.Values) {
	t.Helper()
	came := make(chan url.Values, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			came <- r.PostForm
			return
		}
		came <- r.URL.Query()
	}))
	t.Cleanup(server.Close)
	return server, came
}

// begin begins a login, at the latest when the provider has been found: on a busy machine not at the first try.
func begin(t *testing.T, p *oidc.Provider, returnTo string) (string, oidc.Transaction) {
	t.Helper()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		address, tx, err := p.Begin(t.Context(), returnTo)
		if err == nil {
			return address, tx
		}
		if !errors.Is(err, oidc.ErrUnavailable) || time.Since(start) > 2*time.Minute {
			t.Fatal(err)
		}
	}
}

// Our client and a provider that others wrote have to understand each other: login, refresh, audience, logout in
// front and behind.
func TestClientAtProvider(t *testing.T) {
	t.Parallel()
	server, came := app(t)
	client := oidcprovider.Client{ID: "app", Secret: "no secret", Redirects: []string{server.URL + "/callback"},
		LogoutRedirects: []string{server.URL + "/status"}, BackchannelLogout: server.URL + "/backchannel"}
	ann := oidcprovider.User{Subject: "user|ann", Password: "p", Email: "ann@example.com", Verified: true,
		Claims: map[string]any{"groups": []string{"staff", "ops"}}}
	provider := oidcprovider.Start(t, oidcprovider.Settings{Clients: []oidcprovider.Client{client}, RefreshTokens: true,
		Users: []oidcprovider.User{ann}, AccessTokenLife: time.Minute})
	const audience = "https://api.example.com"
	p, err := oidc.New(oidc.Options{Issuer: provider.Issuer(), ClientID: client.ID, ClientSecret: client.Secret,
		Scope: "openid profile email offline_access", Audience: audience, RedirectURL: client.Redirects[0],
		Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)

	address, tx := begin(t, p, "/deep?x=1")
	browser := jar(t)
	if _, err := provider.LogIn(t.Context(), browser, address, "user|ann"); err != nil {
		t.Fatal(err)
	}
	login, err := p.Finish(t.Context(), <-came, tx)
	if err != nil {
		t.Fatal(err)
	}
	who := login.User
	if who.Subject != ann.Subject || who.Email != ann.Email || !who.EmailVerified || strings.Join(who.Strings("groups"), " ") != "staff ops" {
		t.Errorf("logged in %+v, groups %q", who, who.Strings("groups"))
	}
	if login.ReturnTo != "/deep?x=1" || who.SessionID == "" || login.Tokens.RefreshToken == "" || p.Expired(login.Tokens) {
		t.Errorf("to %q, session %q, expires %v", login.ReturnTo, who.SessionID, login.Tokens.Expires)
	}
	if left := time.Until(login.Tokens.Expires); left <= 0 || left > time.Minute {
		t.Errorf("the access token is good for %v", left)
	}
	bearer, err := p.VerifyBearer(t.Context(), login.Tokens.AccessToken, audience)
	if err != nil || bearer.User.Subject != ann.Subject {
		t.Errorf("bearer: %v, %v", bearer, err)
	}
	if _, err := p.VerifyBearer(t.Context(), login.Tokens.IDToken, audience); !errors.Is(err, oidc.ErrToken) {
		t.Errorf("an ID token as bearer: %v", err)
	}
	renewed, err := p.Refresh(t.Context(), login.Tokens)
	if err != nil || renewed.AccessToken == login.Tokens.AccessToken || provider.Count("grant refresh_token") != 1 {
		t.Errorf("refresh: %v, %d at the provider", err, provider.Count("grant refresh_token"))
	}

	provider.EndSessions(ann.Subject)
	token := <-came
	over, err := p.VerifyLogoutToken(t.Context(), token.Get("logout_token"))
	if err != nil || over.Subject != ann.Subject || over.SessionID != who.SessionID {
		t.Errorf("logout token for %+v: %v", over, err)
	}
	leave, ok := p.LogoutURL(renewed.IDToken, client.LogoutRedirects[0])
	if !ok {
		t.Fatal("the provider has no logout")
	}
	page, err := provider.LogOut(t.Context(), browser, leave)
	if err != nil || page.URL.String() != client.LogoutRedirects[0] {
		t.Fatalf("logout leads to %+v, %v", page, err)
	}
	if provider.Count("backchannel success") != 1 {
		t.Error("the logout was not announced")
	}
}

// A provider that is asked for consent shows a page of its own, after the login.
func TestConsent(t *testing.T) {
	t.Parallel()
	server, came := app(t)
	client := oidcprovider.Client{ID: "app", Secret: "no secret", Redirects: []string{server.URL + "/callback"}}
	provider := oidcprovider.Start(t, oidcprovider.Settings{Clients: []oidcprovider.Client{client},
		Users: []oidcprovider.User{{Subject: "bob", Password: "b"}}})
	p, err := oidc.New(oidc.Options{Issuer: provider.Issuer(), ClientID: client.ID, ClientSecret: client.Secret,
		RedirectURL: client.Redirects[0], Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	address, tx := begin(t, p, "/")
	browser := jar(t)
	page, err := provider.LogIn(t.Context(), browser, address+"&prompt=login+consent", "bob")
	if err != nil || !strings.Contains(page.Body, "Allow") {
		t.Fatalf("no consent page: %+v, %v", page, err)
	}
	if _, err := oidcprovider.Allow(t.Context(), browser, page); err != nil {
		t.Fatal(err)
	}
	if login, err := p.Finish(t.Context(), <-came, tx); err != nil || login.User.Subject != "bob" || login.User.Email != "" {
		t.Errorf("%v, %v", login, err)
	}
	if _, err := provider.LogIn(t.Context(), browser, address, "bob"); !errors.Is(err, oidcprovider.ErrNoForm) {
		t.Errorf("logged in already, and still: %v", err)
	}
}

// The way back with a no, and a token for a program.
func TestRefusalAndMachine(t *testing.T) {
	t.Parallel()
	server, came := app(t)
	client := oidcprovider.Client{ID: "app", Secret: "no secret", Redirects: []string{server.URL + "/callback"}, PostSecret: true}
	program := oidcprovider.Client{ID: "job", Secret: "none either", Machine: true}
	provider := oidcprovider.Start(t, oidcprovider.Settings{Clients: []oidcprovider.Client{client, program}})
	p, err := oidc.New(oidc.Options{Issuer: provider.Issuer() + "/", ClientID: client.ID, ClientSecret: client.Secret,
		RedirectURL: client.Redirects[0], Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	address, tx := begin(t, p, "/")
	browser := jar(t)
	form, err := oidcprovider.Open(t.Context(), browser, address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oidcprovider.Cancel(t.Context(), browser, form); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Finish(t.Context(), <-came, tx); !errors.Is(err, oidc.ErrDenied) {
		t.Errorf("said no: %v", err)
	}
	token := provider.MachineToken(program, "https://api.example.com")
	bearer, err := p.VerifyBearer(t.Context(), token, "https://api.example.com")
	if err != nil || bearer.User.Subject != "job" {
		t.Errorf("bearer %v, %v", bearer, err)
	}
	if _, err := p.VerifyBearer(t.Context(), token, "https://other.example.com"); !errors.Is(err, oidc.ErrToken) {
		t.Errorf("for another user: %v", err)
	}
	provider.Stop()
	provider.Resume()
	if _, err := p.VerifyBearer(t.Context(), token, "https://api.example.com"); err != nil {
		t.Errorf("after the provider's restart: %v", err)
	}
}
