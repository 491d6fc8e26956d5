package attack

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
)

// Security classes 8 and 9: two processes that share a store agree on new ids, spend a refresh token once, and end sessions
// for each other, under the former id too.
func TestClass09SessionReplayReplicas(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	tokens := func(refresh string, lifetime int) {
		idp.Lock()
		defer idp.Unlock()
		idp.Answer = map[string]any{"access_token": accessToken, "refresh_token": refresh, "expires_in": lifetime}
	}
	address := freeport.Address(t)
	env := append(idp.environ(""), "AUTH_SECRET="+authSecret, "AUTH_BASE_URL=http://"+address)
	store := []string{"--session-store", "sqlite:" + filepath.Join(t.TempDir(), "sessions.db")}
	first := start(t, a.url, env, append(store, "--listen", address)...)
	second := start(t, a.url, env, store...)
	replicas := []*proxy{first, second}
	for _, p := range replicas {
		p.finds(idp)
	}

	tokens("refresh-1", 1)
	former := first.loggedInThrough(idp).session()
	tokens("refresh-2", 3600)
	// A second use of refresh-1 would end the session.
	id := ""
	for i := 0; id == ""; i++ {
		r := replicas[i%2].bare().get("/", first.as(former))
		wantApp(t, "around the refresh", r)
		if c := r.cookie("ploomber_session"); c != nil {
			id = c.Value
		}
	}
	if id == former {
		t.Fatal("the id has not changed")
	}
	for _, p := range replicas {
		wantApp(t, "new id", p.bare().get("/", first.as(id)))
		for {
			r := p.bare().get("/", first.as(former))
			wantApp(t, "former id", r)
			if c := r.cookie("ploomber_session"); c != nil {
				if c.Value != id {
					t.Errorf("the former id leads to another one")
				}
				break
			}
		}
	}

	s := second.dial()
	s.say(second.upgrade("/ws", first.as(id)))
	if r, err := s.answer("GET"); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %d, %v", status(r), err)
	}
	_ = s.SetReadDeadline(time.Now().Add(clientLimit))
	_ = first.bare().get("/logout", first.as(former))
	if !s.ends() {
		t.Error("the WebSocket at the other process is still open")
	}
	for _, p := range replicas {
		for _, cookie := range []string{former, id} {
			wantStatus(t, "after the logout", p.bare().get("/", first.as(cookie)), http.StatusUnauthorized)
		}
	}
}
