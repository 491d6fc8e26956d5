package authproxy_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Security class 8: with new tokens comes a new id. The former one is good for requests that were under way, leads to
// the new one, and ends soon, or with the session.
func TestClass08NewIDAtRefresh(t *testing.T) {
	t.Parallel()
	env := newOIDC(t, oidcOnly(), nil, with(withRefresh))
	b, late := env.browser(), env.browser()
	env.logIn(b)
	former := b.session()
	ws := env.open(b)
	env.advance(2 * time.Hour)
	wantApp(t, b.get("/"))
	current := b.session()
	if current == former {
		t.Fatal("the id is the same")
	}
	got := late.get("/", "Cookie: ploomber_session="+former)
	wantApp(t, got)
	if c := got.cookie(sessionID); c == nil || c.Value != current || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v, %s", c, got.Header.Get("Cache-Control"))
	}
	wantEcho(t, ws)
	env.advance(3 * time.Minute)
	wantCode(t, env.browser().get("/", "Cookie: ploomber_session="+former), http.StatusUnauthorized)
	wantApp(t, b.get("/"))

	env.advance(2 * time.Hour)
	wantApp(t, b.get("/"))
	env.browser().get("/logout", "Cookie: ploomber_session="+current) // by the former id
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	wantClosed(t, ws)
}

// The new id is handed out until it has arrived, on our own pages too.
func TestNewIDReachesTheBrowser(t *testing.T) {
	t.Parallel()
	var app string
	env := newOIDC(t, oidcOnly(), nil, with(withRefresh), func(_ *oidcEnvironment, o *authproxy.Options) { app = o.Upstream })
	b := env.browser()
	env.logIn(b)
	first := b.session()
	fromPage := func() string {
		env.proxy.SetStarting()
		defer func() {
			if err := env.proxy.SetUpstream(app); err != nil {
				t.Error(err)
			}
		}()
		got := env.browser().get("/", asPage, "Cookie: ploomber_session="+first)
		wantCode(t, got, http.StatusServiceUnavailable)
		if c := got.cookie(sessionID); c != nil {
			return c.Value
		}
		return ""
	}
	env.advance(2 * time.Hour)
	second := fromPage()
	if second == "" || second == first {
		t.Fatalf("the page about a starting app hands out %q", second)
	}
	env.advance(time.Minute)
	wantApp(t, b.get("/"))
	if again := fromPage(); again != second {
		t.Errorf("hands out %q, want %q", again, second)
	}
	// An injected former id beside the user's own: nobody's id is given out (security class 8).
	other := env.browser()
	env.logIn(other)
	got := env.browser().get("/", "Cookie: ploomber_session="+first+"; ploomber_session="+other.session())
	if c := got.cookie(sessionID); c != nil && c.Value == second {
		t.Error("an injected id is sent out")
	}
}

// slowStore lets a test look at the moment before a session takes another's place.
type slowStore struct {
	session.Store
	mu      sync.Mutex
	entered chan struct{} // closed when Replace is called; nil does not wait
	leave   chan struct{}
	first   bool // Replace waits before it changes anything, not after
}

// holdNext has the next Replace wait; the channel is closed when it does.
func (s *slowStore) holdNext() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entered = make(chan struct{})
	return s.entered
}

func (s *slowStore) Replace(ctx context.Context, old, next *session.Session) (*session.Session, error) {
	s.mu.Lock()
	entered := s.entered
	s.entered = nil
	s.mu.Unlock()
	wait := func(now bool) {
		if now && entered != nil {
			close(entered)
			select {
			case <-s.leave:
			case <-time.After(patience): // the test has failed
			}
		}
	}
	wait(s.first)
	stored, err := s.Store.Replace(ctx, old, next)
	wait(!s.first)
	return stored, err
}

// Security class 9: a log-out by the former id that comes while the session gets a new one ends that as well, before the
// store knows the new id and after.
func TestClass09LogoutDuringRenewal(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"before the store has the new id": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &slowStore{Store: session.NewMemory(0), leave: make(chan struct{}), first: first}
			env := newOIDC(t, oidcOnly(), nil, with(withRefresh), withStore(store))
			b := env.browser()
			env.logIn(b)
			former := b.session()
			ws := env.open(b)
			env.advance(2 * time.Hour)
			entered := store.holdNext()
			var wg sync.WaitGroup
			var renewed reply
			wg.Go(func() { renewed = env.browser().get("/", "Cookie: ploomber_session="+former) })
			receive(t, entered, "the store to be told the new id")
			wantCode(t, env.browser().get("/logout", "Cookie: ploomber_session="+former), http.StatusFound)
			wantClosed(t, ws)
			close(store.leave)
			wg.Wait()
			ids := []string{former}
			if c := renewed.cookie(sessionID); c != nil {
				ids = append(ids, c.Value)
			}
			for _, id := range ids {
				wantCode(t, env.browser().get("/", "Cookie: ploomber_session="+id), http.StatusUnauthorized)
			}
		})
	}
}

// With an audience an open WebSocket ends with the access token that opened it, without anybody asking.
func TestClass13TokenEndsWebSocket(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.Providers[0].Audience = accessAPI
	env := newOIDC(t, c, nil)
	b := env.browser()
	env.logIn(b)
	ws := env.open(b)
	wantEcho(t, ws)
	env.advance(2 * time.Hour)
	wantClosed(t, ws)
	if got := b.get("/", asPage); got.StatusCode != http.StatusFound || !strings.Contains(got.location(), "/end") {
		t.Errorf("%d to %s", got.StatusCode, got.location())
	}
}

// A store that takes long over one session's new id keeps nobody else waiting: neither other sessions, nor those that
// get a new id of their own, nor clients without any.
func TestRenewalKeepsNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	store := &slowStore{Store: session.NewMemory(0), leave: make(chan struct{})}
	env := newOIDC(t, oidcOnly(), nil, with(withRefresh), func(_ *oidcEnvironment, o *authproxy.Options) { o.Store = store })
	var all []*browser
	for range 10 {
		b := env.browser()
		env.logIn(b)
		all = append(all, b)
	}
	slow, ids := all[0], map[string]bool{}
	cookie := "Cookie: ploomber_session=" + slow.session()
	env.advance(2 * time.Hour)
	entered := store.holdNext()
	var wg sync.WaitGroup
	var mu sync.Mutex
	ask := func() {
		got := env.browser().get("/", cookie)
		wantApp(t, got)
		if c := got.cookie(sessionID); c != nil {
			mu.Lock()
			defer mu.Unlock()
			ids[c.Value] = true
		}
	}
	wg.Go(ask)
	receive(t, entered, "the store to be told the new id")
	for range 10 { // more of the same session, which wait and get the same new id
		wg.Go(ask)
	}
	for _, b := range all[1:] {
		former := b.session()
		wantApp(t, b.get("/"))
		if b.session() == former {
			t.Error("the id is the same")
		}
		wantApp(t, env.browser().get("/", "Cookie: ploomber_session="+former))
		b.get("/logout")
		wantCode(t, b.get("/"), http.StatusUnauthorized)
	}
	wantCode(t, env.browser().get("/", "Cookie: ploomber_session="+strings.Repeat("A", 43)), http.StatusUnauthorized)
	close(store.leave)
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("%d new ids of one session", len(ids))
	}
}

// A client that disconnects does not wait for a slow store, and its session stays intact.
func TestDisconnectDuringRenewal(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"before the store has the new id": true, "after it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := &slowStore{Store: session.NewMemory(0), leave: make(chan struct{}), first: first}
			env := newOIDC(t, oidcOnly(), nil, with(withRefresh), withStore(store))
			b := env.browser()
			env.logIn(b)
			former := b.session()
			env.advance(2 * time.Hour)
			entered := store.holdNext()
			var renewing sync.WaitGroup
			renewing.Go(func() { wantApp(t, b.get("/")) })
			receive(t, entered, "the store to be told the new id")
			gone, leave := context.WithCancel(t.Context())
			leave()
			r := httptest.NewRequestWithContext(gone, http.MethodGet, "/", http.NoBody)
			r.Host = env.host
			r.Header.Set("Cookie", "ploomber_session="+former)
			left := make(chan struct{})
			go func() {
				defer close(left)
				defer func() {
					if cause := recover(); cause != nil && cause != http.ErrAbortHandler { //nolint:errorlint // as the server compares it
						t.Errorf("panic: %v", cause)
					}
				}()
				env.proxy.ServeHTTP(httptest.NewRecorder(), r)
			}()
			select {
			case <-left:
			case <-time.After(20 * time.Second): // only a wait for the store takes so long
				t.Error("the request waits for the store")
			}
			close(store.leave)
			renewing.Wait()
			receive(t, left, "the request to end")
			if b.session() == former {
				t.Error("the id is the same")
			}
			got := env.browser().get("/", "Cookie: ploomber_session="+former)
			wantApp(t, got)
			if c := got.cookie(sessionID); c == nil || c.Value != b.session() {
				t.Errorf("another id than that of the renewal: %v", c)
			}
			if strings.Contains(env.logs.String(), "session store failed") {
				t.Errorf("blamed on the store:\n%s", env.logs)
			}
		})
	}
}

// A WebSocket that opens while the store knows the new id already, and nobody else does, belongs to the session under
// that id.
func TestHandshakeAmidRenewal(t *testing.T) {
	t.Parallel()
	store := &slowStore{Store: session.NewMemory(0), leave: make(chan struct{})}
	env, arrived, leave := newHeldHandshakes(t, withStore(store))
	b := env.browser()
	env.logIn(b)
	former := "Cookie: ploomber_session=" + b.session()
	webSockets := make(chan io.ReadWriter)
	go func() {
		defer close(webSockets)
		ws, err := env.handshake(former)
		if err != nil {
			t.Error(err)
			return
		}
		webSockets <- ws
	}()
	receive(t, arrived, "the handshake to arrive at the app")
	env.advance(2 * time.Hour)
	entered := store.holdNext()
	var renewing sync.WaitGroup
	renewing.Go(func() { wantApp(t, b.get("/")) })
	receive(t, entered, "the store to be told the new id")
	close(leave)
	ws := receive(t, webSockets, "the handshake to end")
	wantEcho(t, ws)
	close(store.leave)
	renewing.Wait()
	wantEcho(t, ws)
	b.get("/logout")
	wantClosed(t, ws)
}
