package authproxy_test

import (
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sqlite"
)

// newReplicas starts two proxies on one SQLite file, with one public address, one provider and one clock: the first's.
func newReplicas(t *testing.T) (first, second *oidcEnvironment) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sessions.db")
	shared := func(env *oidcEnvironment, o *authproxy.Options) {
		if first == nil {
			first = env
			withRefresh(env.fake)
		}
		store := must(sqlite.Open(t.Context(), path, [][]byte{[]byte("key")}, first.now))
		t.Cleanup(func() {
			_ = env.proxy.Close()
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		o.Store, o.Persistent, o.Now, o.ProviderTransport = store, true, first.now, first.net
	}
	c := oidcOnly()
	first = newOIDC(t, c, nil, shared)
	c.BaseURL = first.config.BaseURL
	return first, newOIDC(t, c, nil, shared)
}

// catchUp lets the second pass after which each replica knows what the other has done.
func (env *oidcEnvironment) catchUp() { env.advance(time.Second) }

func withID(id string) string { return "Cookie: ploomber_session=" + id }

// Security classes 8 and 9: two replicas agree on which id has followed which. What one has rotated the other finds by
// the former id, for the grace period, and gives the new one out; what one ends has ended at the other, under both.
func TestClass09ReplicasShareRotation(t *testing.T) {
	t.Parallel()
	for name, logout := range map[string]func(first, second *oidcEnvironment, former, id string){
		"at the first by the new id":     func(first, _ *oidcEnvironment, _, id string) { first.browser().get("/logout", withID(id)) },
		"at the second by the new id":    func(_, second *oidcEnvironment, _, id string) { second.browser().get("/logout", withID(id)) },
		"at the first by the former id":  func(first, _ *oidcEnvironment, former, _ string) { first.browser().get("/logout", withID(former)) },
		"at the second by the former id": func(_, second *oidcEnvironment, former, _ string) { second.browser().get("/logout", withID(former)) },
		"at the second by the provider": func(_, second *oidcEnvironment, _, _ string) {
			if err := second.proxy.EndOwner(second.t.Context(), "auth0|7"); err != nil {
				second.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := newReplicas(t)
			b := first.browser()
			first.logIn(b)
			former := b.session()
			wantApp(t, second.browser().get("/", withID(former)))
			first.advance(2 * time.Hour)
			wantApp(t, b.get("/"))
			id := b.session()
			if id == former {
				t.Fatal("the id is the same")
			}
			first.catchUp()
			got := second.browser().get("/", withID(former))
			wantApp(t, got)
			if c := got.cookie(sessionID); c == nil || c.Value != id {
				t.Errorf("the second replica gives out %v, want the id of the first", c)
			}
			if got := second.browser().get("/", withID(id)); got.cookie(sessionID) != nil {
				t.Error("the second replica gives out another id")
			}
			if n := first.net.Count("tenant.example.com/token"); n != 2 {
				t.Errorf("the token endpoint was asked %d times, want once for the login and once for the refresh", n)
			}
			logout(first, second, former, id)
			first.catchUp()
			for _, replica := range []*oidcEnvironment{first, second} {
				for _, cookie := range []string{former, id} {
					wantCode(t, replica.browser().get("/", withID(cookie)), http.StatusUnauthorized)
				}
			}
		})
	}
}

func TestReplicasForgetFormerIDs(t *testing.T) {
	t.Parallel()
	first, second := newReplicas(t)
	b := first.browser()
	first.logIn(b)
	former := b.session()
	first.advance(2 * time.Hour)
	wantApp(t, b.get("/"))
	first.advance(2 * time.Minute)
	for _, replica := range []*oidcEnvironment{first, second} {
		wantCode(t, replica.browser().get("/", withID(former)), http.StatusUnauthorized)
		wantApp(t, replica.browser().get("/", withID(b.session())))
	}
}

// Security class 9: a logout at one replica closes within a second what is open at the other, whatever id that was
// opened with, and although nothing goes over it.
func TestClass09ReplicasCloseWebSockets(t *testing.T) {
	t.Parallel()
	for name, rotates := range map[string]bool{"same id": false, "rotated meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := newReplicas(t)
			b := first.browser()
			first.logIn(b)
			id := b.session()
			ws := must(second.handshake(withID(id)))
			wantEcho(t, ws)
			if rotates {
				first.advance(2 * time.Hour)
				eventually(t, "a new id", func() bool { // the second replica may be the one that renews the tokens
					wantApp(t, b.get("/"))
					first.catchUp()
					return b.session() != id
				})
				second.look()
				wantEcho(t, ws)
			}
			b.get("/logout")
			first.catchUp()
			second.look() // which happens every second
			wantClosed(t, ws)
		})
	}
}

// A refresh token is good once: of many requests to both replicas one spends it, and everybody has the new tokens then.
func TestReplicasRefreshOnce(t *testing.T) {
	t.Parallel()
	first, second := newReplicas(t)
	b := first.browser()
	first.logIn(b)
	former := b.session()
	wantApp(t, second.browser().get("/", withID(former)))
	first.advance(2 * time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for i := range 20 {
		wg.Go(func() {
			got := []*oidcEnvironment{first, second}[i%2].browser().get("/", withID(former))
			wantApp(t, got)
			if c := got.cookie(sessionID); c != nil {
				mu.Lock()
				defer mu.Unlock()
				ids[c.Value] = true
			}
		})
	}
	wg.Wait()
	if n := first.net.Count("tenant.example.com/token"); n != 2 {
		t.Errorf("the token endpoint was asked %d times, want once for the login and once for the refresh", n)
	}
	if len(ids) != 1 || ids[former] {
		t.Errorf("%d new ids, want one", len(ids))
	}
	first.catchUp()
	for id := range ids {
		for _, replica := range []*oidcEnvironment{first, second} {
			wantApp(t, replica.browser().get("/", withID(id)))
		}
	}
	if n := first.net.Count("tenant.example.com/token"); n != 2 {
		t.Errorf("the token endpoint was asked %d times in all", n)
	}
}
