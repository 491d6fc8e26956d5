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

// oidcEnvironment is an environment whose main app is guarded by providers.
type oidcEnvironment struct {
	*environment
	fake, other *oidctest.Provider // the second is in use only where the configuration names it
	net         *oidctest.Network
	config      config.Config
	counted     *counters
}

// counters is an Observer.
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

// oidcOnly guards the main app by one provider.
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

// newOIDC starts an app behind the login that c describes; its base URL is filled in.
// Changes are made before the proxy starts, and with it looking for the providers.
func newOIDC(t *testing.T, c config.Config, app http.Handler, change ...func(*oidcEnvironment, *authproxy.Options)) *oidcEnvironment {
	t.Helper()
	w := &oidcEnvironment{environment: &environment{t: t, logs: &syncBuffer{}}, net: oidctest.NewNetwork(),
		counted: &counters{events: map[observe.Event]int{}, statuses: map[int]int{}}}
	w.fake, w.other = oidctest.New(issuerURL, w.now), oidctest.New(otherURL, w.now)
	w.net.Set("tenant.example.com", w.fake)
	w.net.Set("other.example.com", w.other)
	if app == nil {
		app = w.app()
	}
	l := listen(t)
	w.url = "http://" + l.Addr().String()
	w.host = l.Addr().String()
	if c.BaseURL == nil {
		c.BaseURL = must(url.Parse(w.url))
	}
	o := authproxy.Options{Upstream: proxytest.Start(t, app), Now: w.now, Random: rand.Reader, BcryptCost: bcrypt.MinCost, ProviderTransport: w.net,
		Observer: w.counted, Log: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, f := range change {
		f(w, &o)
	}
	w.config = c
	w.proxy = must(authproxy.New(c, o))
	w.serveOn(w.proxy, l)
	return w
}

func withStore(s session.Store) func(*oidcEnvironment, *authproxy.Options) {
	return func(_ *oidcEnvironment, o *authproxy.Options) { o.Store = s }
}

// with changes the provider.
func with(change func(*oidctest.Provider)) func(*oidcEnvironment, *authproxy.Options) {
	return func(w *oidcEnvironment, _ *authproxy.Options) {
		if change != nil {
			change(w.fake)
		}
	}
}

// withClaims changes the ID token.
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
func (w *oidcEnvironment) reload(change func(*config.Config)) {
	w.t.Helper()
	change(&w.config)
	if err := w.proxy.Reload(w.config); err != nil {
		w.t.Fatal(err)
	}
}

// visit opens a page and returns where the provider would be asked.
func (b *browser) visit(path string) string {
	b.w.t.Helper()
	got := b.get(path, asPage)
	if got.StatusCode != http.StatusFound || !strings.Contains(got.location(), "/authorize?") {
		b.w.t.Fatalf("%s: %d to %q\n%s", path, got.StatusCode, got.location(), got.body)
	}
	return got.location()
}

// comeBack is the callback after a login at a provider.
func (b *browser) comeBack(f *oidctest.Provider, address string) reply {
	b.w.t.Helper()
	return b.get("/callback?"+f.Authorize(b.w.t, address).Encode(), asPage)
}

// enter does a whole login.
func (w *oidcEnvironment) enter(b *browser) {
	w.t.Helper()
	if got := b.comeBack(w.fake, b.visit("/")); got.StatusCode != http.StatusFound || got.location() != "/" || b.session() == "" {
		w.t.Fatalf("login: %d to %q\n%s", got.StatusCode, got.location(), got.body)
	}
}

// set changes the provider while it is in use.
func set(f *oidctest.Provider, change func()) {
	f.Lock()
	defer f.Unlock()
	change()
}

// spyStore remembers the session that was put last.
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

func (w *environment) parsed() (*url.URL, error) { return url.Parse(w.url) }
