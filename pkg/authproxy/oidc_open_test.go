package authproxy_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc/oidctest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Over an open page nobody may send a request for hours. What is open has the tokens renewed when their time has come,
// as a request does: it ends when the provider says no for good, and with it the session (security classes 9 and 13).
// A provider that does not answer ends nothing, and a renewal that works closes nothing.
func TestClass09OpenConnectionsRenew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		then  func(*oidctest.Provider) // nil renews
		stays bool
	}{
		"renewed":           {stays: true},
		"refused":           {then: refusing(400, "invalid_grant")},
		"account disabled":  {then: refusing(403, "access_denied")},
		"another user":      {then: func(f *oidctest.Provider) { f.Claims = map[string]any{"sub": "mallory"} }},
		"provider down":     {then: refusing(503, "temporarily_unavailable"), stays: true},
		"down, with a code": {then: refusing(502, "invalid_grant"), stays: true},
		"too many requests": {then: refusing(429, "too_many_attempts"), stays: true},
	} {
		for _, audience := range []string{"", accessAPI} {
			t.Run(name+" "+audience, func(t *testing.T) {
				t.Parallel()
				e := newEvents(t)
				c := oidcOnly()
				c.Providers[0].Audience = audience
				env := newOIDC(t, c, e, with(withRefresh))
				e.usual = env.app()
				b := env.browser()
				env.logIn(b)
				id := b.session()
				cookie := "Cookie: ploomber_session=" + id
				ws, stream, length := env.open(b), env.listen("/stream", cookie), env.listen("/length", cookie)
				asked := make(chan bool, 100)
				set(env.fake, func() {
					if tc.then != nil {
						tc.then(env.fake)
					}
					answer := env.fake.Handle["/token"]
					env.fake.Handle["/token"] = func(rw http.ResponseWriter, r *http.Request) {
						answer(rw, r)
						asked <- true
					}
				})
				env.advance(2 * time.Hour)
				receive(t, asked, "a renewal") // by what is open: no request has been made
				if tc.stays {
					wantEcho(t, ws)
					send(t, e.say, "data: second\n", "the app to send an event")
					wantApp(t, b.get("/"))
					if renewed := tc.then == nil; (b.session() != id) != renewed {
						t.Errorf("a new id: %v", !renewed)
					}
					return
				}
				wantClosed(t, ws)
				stream.wantCut()
				length.wantCut()
				wantCode(t, b.get("/"), http.StatusUnauthorized)
				if got := b.get("/status"); got.body != "logged out" {
					t.Errorf("status %q", got.body)
				}
			})
		}
	}
}

// An open connection that nobody uses does not keep its session alive by having tokens renewed.
func TestClass13RenewalIsNoUse(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.SessionIdle = 3 * time.Hour
	store := newAnnouncingStore()
	env, b, ws := newQuietSocket(t, c, store)
	for range 2 {
		env.advance(70 * time.Minute)
		env.look()
		env.renewed(store)
	}
	env.advance(70 * time.Minute)
	env.look()
	wantClosed(t, ws)
	wantCode(t, b.get("/"), http.StatusUnauthorized)
}

// A session that has ended elsewhere takes along what is open here, even where nothing goes over it: who looks after its
// tokens finds out.
func TestClass09OpenConnectionsEndElsewhere(t *testing.T) {
	t.Parallel()
	store := newAnnouncingStore()
	env, _, ws := newQuietSocket(t, oidcOnly(), store)
	if _, err := store.Delete(t.Context(), store.last().Key); err != nil {
		t.Fatal(err)
	}
	env.advance(2 * time.Hour)
	env.look()
	wantClosed(t, ws)
	if n := env.refreshed(); n != 0 {
		t.Errorf("%d refresh tokens of a session that has ended", n)
	}
}

// New tokens do not bind an open connection to a newer secret than the one that its session can be found by.
func TestClass09OpenConnectionsEndWithSecret(t *testing.T) {
	t.Parallel()
	store := newAnnouncingStore()
	env, b, ws := newQuietSocket(t, oidcOnly(), store)
	env.reload(func(c *config.Config) { c.Secrets = []config.Secret{oldSecret, longSecret} })
	env.advance(2 * time.Hour)
	env.look()
	env.renewed(store)
	wantEcho(t, ws)
	env.reload(func(c *config.Config) { c.Secrets = c.Secrets[:1] })
	wantClosed(t, ws)
	wantCode(t, b.get("/"), http.StatusUnauthorized)
}

// A refusal that cannot be stored ends what is open all the same.
func TestClass09RefusedWhileStoreFails(t *testing.T) {
	t.Parallel()
	for _, audience := range []string{"", accessAPI} {
		t.Run(audience, func(t *testing.T) {
			t.Parallel()
			c := oidcOnly()
			c.Providers[0].Audience = audience
			store := newAnnouncingStore()
			env, _, ws := newQuietSocket(t, c, store)
			set(env.fake, func() { refusing(400, "invalid_grant")(env.fake) })
			store.putFails.Store(true)
			env.advance(2 * time.Hour)
			env.look()
			wantClosed(t, ws)
		})
	}
}

// A refresh token that is good once is not spent while the store does not answer, which could not keep the next one.
func TestOpenConnectionsWaitForStore(t *testing.T) {
	t.Parallel()
	store := newAnnouncingStore()
	env, _, ws := newQuietSocket(t, oidcOnly(), store)
	store.claimFails.Store(true)
	env.advance(2 * time.Hour)
	env.look()
	eventually(t, "the failure of the store in the log", func() bool { return strings.Contains(env.logs.String(), errStore.Error()) })
	if n := env.refreshed(); n != 0 {
		t.Errorf("%d refresh tokens are spent", n)
	}
	wantEcho(t, ws)
	store.claimFails.Store(false)
	env.advance(time.Minute)
	env.look()
	env.renewed(store)
	wantEcho(t, ws)
}

// newQuietSocket opens a WebSocket whose traffic has been counted as use already.
func newQuietSocket(t *testing.T, c config.Config, store *announcingStore) (*oidcEnvironment, *browser, io.ReadWriter) {
	t.Helper()
	env := newOIDC(t, c, nil, with(withRefresh), withStore(store))
	b := env.browser()
	env.logIn(b)
	ws := env.open(b)
	// Until then the handshake is a request of the session, which is in use.
	eventually(t, "the end of the handshake", func() bool { return env.counted.status(http.StatusSwitchingProtocols) > 0 })
	env.advance(time.Minute)
	env.look()
	return env, b, ws
}

// look looks at everything that is open. Nobody looks any more, with an older clock, when it returns.
func (env *oidcEnvironment) look() {
	env.t.Helper()
	env.reload(func(*config.Config) {})
}

// renewed waits until a session has new tokens, and what is open of it as well.
func (env *oidcEnvironment) renewed(store *announcingStore) {
	env.t.Helper()
	receive(env.t, store.changed, "a renewal")
	env.proxy.WaitForRenewals()
	env.look()
}

// refreshed counts the refresh tokens that the provider has been shown.
func (env *oidcEnvironment) refreshed() (n int) {
	set(env.fake, func() { n = len(env.fake.Refresh) })
	return n
}

// announcingStore tells of each session that has got new tokens or a new id, and fails where a test says so.
type announcingStore struct {
	*spyStore
	changed              chan *session.Session
	claimFails, putFails atomic.Bool
}

func newAnnouncingStore() *announcingStore {
	return &announcingStore{spyStore: &spyStore{Store: session.NewMemory(0)}, changed: make(chan *session.Session, 100)}
}

func (s *announcingStore) Claim(ctx context.Context, key session.Key, owner session.Owner, now, until time.Time) (*session.Session, bool, error) {
	if s.claimFails.Load() {
		return nil, false, errStore
	}
	return s.spyStore.Claim(ctx, key, owner, now, until)
}

func (s *announcingStore) Replace(ctx context.Context, old, next *session.Session) (*session.Session, error) {
	if s.putFails.Load() {
		return nil, errStore
	}
	stored, err := s.spyStore.Replace(ctx, old, next)
	if stored == next {
		s.changed <- next
	}
	return stored, err
}

// Another process on the same store may have renewed the tokens. A refresh token that is used twice counts as stolen.
func TestOpenConnectionsTakeOverTokens(t *testing.T) {
	t.Parallel()
	store := &spyStore{Store: session.NewMemory(0)}
	env := newOIDC(t, oidcOnly(), nil, with(withRefresh), withStore(store))
	b := env.browser()
	env.logIn(b)
	ws := env.open(b)
	before := store.last()
	elsewhere := before.Clone()
	elsewhere.Version++
	login := *elsewhere.Grants[0].Login
	login.RefreshToken, login.TokensExpire = "of the other process", env.now().Add(48*time.Hour)
	elsewhere.Grants[0].Login = &login
	if _, err := store.Replace(t.Context(), before, elsewhere); err != nil {
		t.Fatal(err)
	}
	env.advance(2 * time.Hour)
	for range 3 {
		env.reload(func(*config.Config) {})
		wantEcho(t, ws)
	}
	set(env.fake, func() {
		if len(env.fake.Refresh) > 0 {
			t.Errorf("refreshed with %v", env.fake.Refresh)
		}
	})
}

// claimedStore is a memory that another process renews from.
type claimedStore struct {
	*session.Memory
	theirs atomic.Bool
}

func (s *claimedStore) Claim(ctx context.Context, key session.Key, owner session.Owner, now, until time.Time) (*session.Session, bool, error) {
	stored, ours, err := s.Memory.Claim(ctx, key, owner, now, until)
	return stored, ours && !s.theirs.Load(), err
}

// While another process renews the tokens nobody here does, and nobody is kept waiting or out: not who sends requests,
// and not who has something open.
func TestTokensThatAnotherProcessRenews(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Providers[0].Audience = accessAPI
	store := &claimedStore{Memory: session.NewMemory(0)}
	env := newOIDC(t, c, nil, with(withRefresh), withStore(store))
	b := env.browser()
	env.logIn(b)
	ws := env.open(b)
	store.theirs.Store(true)
	env.advance(2 * time.Hour)
	for range 3 {
		wantApp(t, b.get("/"))
		env.reload(func(*config.Config) {})
		wantEcho(t, ws)
	}
	if n := env.net.Count("tenant.example.com/token"); n != 1 {
		t.Errorf("the token endpoint was asked %d times, want once for the login", n)
	}
	store.theirs.Store(false)
	wantApp(t, b.get("/"))
	if n := env.net.Count("tenant.example.com/token"); n != 2 {
		t.Errorf("the token endpoint was asked %d times, want once more", n)
	}
	wantEcho(t, ws)
}
