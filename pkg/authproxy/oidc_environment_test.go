package authproxy_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

const (
	issuerURL  = "https://tenant.example.com"
	otherURL   = "https://other.example.com"
	oldSecret  = "nW8-cE5_mK1xV4tB9yH2jF6uQ3gS7dZ0rL"
	sessionID  = "ploomber_session"
	accessAPI  = "https://api.example.com"
	bearerText = "Bearer "
)

// oidcEnvironment is an environment whose main app is protected by providers, which are on a network of the test.
type oidcEnvironment struct {
	*environment
	fake, other *oidctest.Provider // at issuerURL and otherURL
	net         *oidctest.Network
	config      config.Config // current, see reload
	counted     *counters
}

// counters is an Observer that counts.
type counters struct {
	mu       sync.Mutex
	events   map[observe.Event]int
	statuses map[int]int
	open     int
}

func (c *counters) Count(e observe.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events[e]++
}

func (c *counters) Request(status int, _ time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.statuses[status]++
}

func (c *counters) WebSockets(change int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open += change
}

func (c *counters) status(code int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.statuses[code]
}

func (c *counters) event(e observe.Event) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.events[e]
}

// oidcOnly protects the main app by the provider at issuerURL.
func oidcOnly() config.Config {
	return config.Config{Secrets: []config.Secret{longSecret},
		Providers: []config.Provider{{Issuer: issuerURL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret}}}
}

// oidcTwo lets users choose between two providers.
func oidcTwo() config.Config {
	c := oidcOnly()
	c.Providers[0].Name = "first"
	c.Providers = append(c.Providers, config.Provider{Name: "second", Issuer: otherURL, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret})
	return c
}

// newOIDC starts a proxy with providers in front of app, which may be nil as for newEnvironment. An empty base URL of c is
// filled in. Changes are made before the proxy starts and looks for its providers.
func newOIDC(t *testing.T, c config.Config, app http.Handler, change ...func(*oidcEnvironment, *authproxy.Options)) *oidcEnvironment {
	t.Helper()
	env := &oidcEnvironment{environment: &environment{t: t, logs: &syncBuffer{}}, net: oidctest.NewNetwork(),
		counted: &counters{events: map[observe.Event]int{}, statuses: map[int]int{}}}
	env.fake, env.other = oidctest.New(issuerURL, env.now), oidctest.New(otherURL, env.now)
	env.net.Set("tenant.example.com", env.fake)
	env.net.Set("other.example.com", env.other)
	if app == nil {
		app = env.app()
	}
	l := listen(t)
	env.url = "http://" + l.Addr().String()
	env.host = l.Addr().String()
	if c.BaseURL == nil {
		c.BaseURL = must(url.Parse(env.url))
	}
	o := authproxy.Options{Upstream: proxytest.Start(t, app), Now: env.now, Random: rand.Reader, BcryptCost: bcrypt.MinCost, ProviderTransport: env.net,
		Observer: env.counted, Log: slog.New(slog.NewTextHandler(env.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range change {
		f(env, &o)
	}
	env.config = c
	env.proxy = must(authproxy.New(c, o))
	env.serveOn(env.proxy, l)
	return env
}

func withStore(s session.Store) func(*oidcEnvironment, *authproxy.Options) {
	return func(_ *oidcEnvironment, o *authproxy.Options) { o.Store = s }
}

// with changes the first provider.
func with(change func(*oidctest.Provider)) func(*oidcEnvironment, *authproxy.Options) {
	return func(env *oidcEnvironment, _ *authproxy.Options) {
		if change != nil {
			change(env.fake)
		}
	}
}

// withClaims sets claims of the ID tokens of the first provider.
func withClaims(claims map[string]any) func(*oidcEnvironment, *authproxy.Options) {
	return with(func(f *oidctest.Provider) { f.Claims = claims })
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// reload changes the configuration.
func (env *oidcEnvironment) reload(change func(*config.Config)) {
	env.t.Helper()
	change(&env.config)
	if err := env.proxy.Reload(env.config); err != nil {
		env.t.Fatal(err)
	}
}

// beginLogin opens a page and returns the address at the provider to which it redirects.
func (b *browser) beginLogin(path string) string {
	b.env.t.Helper()
	got := b.get(path, asPage)
	if got.StatusCode != http.StatusFound || !strings.Contains(got.location(), "/authorize?") {
		b.env.t.Fatalf("%s: %d to %q\n%s", path, got.StatusCode, got.location(), got.body)
	}
	return got.location()
}

// finishLogin logs in at a provider, at the address that beginLogin returned, and opens the callback.
func (b *browser) finishLogin(f *oidctest.Provider, address string) reply {
	b.env.t.Helper()
	return b.get("/callback?"+f.Authorize(b.env.t, address).Encode(), asPage)
}

// logIn logs in at the first provider.
func (env *oidcEnvironment) logIn(b *browser) {
	env.t.Helper()
	if got := b.finishLogin(env.fake, b.beginLogin("/")); got.StatusCode != http.StatusFound || got.location() != "/" || b.session() == "" {
		env.t.Fatalf("login: %d to %q\n%s", got.StatusCode, got.location(), got.body)
	}
}

// set changes a provider while it is in use.
func set(f *oidctest.Provider, change func()) {
	f.Lock()
	defer f.Unlock()
	change()
}

// spyStore remembers the session that was stored last.
type spyStore struct {
	session.Store
	mu  sync.Mutex
	put *session.Session
}

func (s *spyStore) Create(ctx context.Context, put *session.Session) error {
	s.note(put)
	return s.Store.Create(ctx, put)
}

func (s *spyStore) Replace(ctx context.Context, old, next *session.Session) (*session.Session, error) {
	s.note(next)
	return s.Store.Replace(ctx, old, next)
}

func (s *spyStore) note(put *session.Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put = put
}

func (s *spyStore) last() *session.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put
}

func (env *environment) parsed() (*url.URL, error) { return url.Parse(env.url) }
