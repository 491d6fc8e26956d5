package authproxy_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
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
		"somebody else":     {then: func(f *oidctest.Provider) { f.Claims = map[string]any{"sub": "mallory"} }},
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
				w := newOIDC(t, c, e, with(withRefresh))
				e.usual = w.app()
				b := w.browser()
				w.enter(b)
				id := b.session()
				cookie := "Cookie: ploomber_session=" + id
				ws, stream, length := w.open(b), w.listen("/stream", cookie), w.listen("/length", cookie)
				asked := make(chan bool, 100)
				set(w.fake, func() {
					if tc.then != nil {
						tc.then(w.fake)
					}
					answer := w.fake.Handle["/token"]
					w.fake.Handle["/token"] = func(rw http.ResponseWriter, r *http.Request) {
						answer(rw, r)
						asked <- true
					}
				})
				w.advance(2 * time.Hour)
				<-asked // by what is open: no request has been made
				if tc.stays {
					wantEcho(t, ws)
					e.say <- "data: second\n"
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
	w := newOIDC(t, c, nil, with(withRefresh))
	b := w.browser()
	w.enter(b)
	ws := w.open(b)
	renewed := func() (n int) {
		set(w.fake, func() { n = len(w.fake.Refresh) })
		return n
	}
	for n := range 2 { // the first time there was traffic, which counts
		w.advance(2 * time.Hour)
		for renewed() == n {
			w.reload(func(*authproxy.Config) {})
		}
	}
	w.advance(2 * time.Hour)
	if _, err := io.ReadFull(ws, make([]byte, 1)); err == nil {
		t.Error("the WebSocket is still open")
	}
	wantCode(t, b.get("/"), http.StatusUnauthorized)
}

// lookingStore is a spyStore whose memory can be looked at.
type lookingStore struct {
	*spyStore
	session.Looker
}

// Another process on the same store may have renewed the tokens. A refresh token that is used twice counts as stolen.
func TestOpenConnectionsTakeOverTokens(t *testing.T) {
	t.Parallel()
	memory := session.NewMemory(0)
	store := lookingStore{&spyStore{Store: memory}, memory}
	w := newOIDC(t, oidcOnly(), nil, with(withRefresh), withStore(store))
	b := w.browser()
	w.enter(b)
	ws := w.open(b)
	elsewhere := *store.last()
	elsewhere.Grants = append([]session.Grant{}, elsewhere.Grants...)
	login := *elsewhere.Grants[0].Login
	login.RefreshToken, login.TokensExpire = "of the other process", w.now().Add(48*time.Hour)
	elsewhere.Grants[0].Login = &login
	if err := store.Put(t.Context(), &elsewhere, elsewhere.Key); err != nil {
		t.Fatal(err)
	}
	w.advance(2 * time.Hour)
	for range 3 {
		w.reload(func(*authproxy.Config) {})
		wantEcho(t, ws)
	}
	set(w.fake, func() {
		if len(w.fake.Refresh) > 0 {
			t.Errorf("refreshed with %v", w.fake.Refresh)
		}
	})
}
