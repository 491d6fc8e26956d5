package e2e

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// With an audience the life of the access token is that of the session.
func TestAudience(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Second // enough to log in on most machines
	w := newEnvironment(t, func(s *oidcprovider.Settings) { s.AccessTokenLife = life }, vars{"AUTH_PARAMS_AUDIENCE": audience})
	var page *oidcprovider.Page
	var in bool
	v := w.enter(t, life, func(v *client, first *oidcprovider.Page) {
		page = first
		_, in = v.isIn(w.proxy.url)
	})
	if !in {
		t.Error("refused while the token is good")
	}
	if e := echoOf(t, page.Status, page.Body); strings.Count(e.Header.Get("X-Access-Token"), ".") != 2 {
		t.Error("the access token is not a JWT")
	}
	v.awaitLogout(w.proxy.url) // tokens expire by the clock, which the provider and the program share
	if _, status := v.dial(t, w.proxy.url); status != http.StatusUnauthorized {
		t.Errorf("a WebSocket with an expired token: %d, want 401", status)
	}
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("in with an expired token")
	}
}

// An expired page visit ends at the provider's logout, so that the next visit asks for a password.
func TestAudienceLogsOut(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Second // enough to log in on most machines
	w := newEnvironment(t, func(s *oidcprovider.Settings) { s.AccessTokenLife = life }, vars{"AUTH_PARAMS_AUDIENCE": audience})
	v := w.enter(t, life, func(*client, *oidcprovider.Page) {})
	outlive(life)
	page, err := w.provider.LogOut(t.Context(), v.client, w.proxy.url+"/page")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.Body, "You are logged out") {
		t.Errorf("%s says %q", page.URL, page.Body)
	}
	if again := v.open(w.proxy.url); !strings.Contains(again.URL.Path, "/interaction/") {
		t.Errorf("the provider asks for nothing: %s", again.URL)
	}
}

// A provider takes a refresh token once: however many requests find the access token expired, one renews it.
func TestRefreshOnce(t *testing.T) {
	t.Parallel()
	const life = 10 * time.Second // enough to log in on most machines
	w := newEnvironment(t, func(s *oidcprovider.Settings) {
		s.AccessTokenLife, s.RenewedTokenLife, s.RefreshTokens = life, time.Hour, true
	},
		vars{"AUTH_PARAMS_AUDIENCE": audience, "AUTH_PARAMS_SCOPE": "openid profile email offline_access"})
	var page *oidcprovider.Page
	v := w.enter(t, life, func(_ *client, first *oidcprovider.Page) { page = first })
	before := echoOf(t, page.Status, page.Body).Header.Get("X-Access-Token")
	renewed := w.provider.Count("grant refresh_token")
	outlive(life)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.proxy.url+"/data", nil)
			if err != nil {
				t.Error(err)
				return
			}
			answer, err := v.client.Do(request)
			if err != nil {
				t.Error(err)
				return
			}
			_ = answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Errorf("while the tokens are renewed: %s", answer.Status)
			}
		})
	}
	asking.Wait()
	if n := w.provider.Count("grant refresh_token") - renewed; n != 1 {
		t.Errorf("%d refreshes, want 1", n)
	}
	e, in := v.isIn(w.proxy.url)
	if !in || e.Header.Get("X-Access-Token") == before {
		t.Errorf("in: %v, with the token of before: %v", in, e.Header.Get("X-Access-Token") == before)
	}
}

// A provider that refuses the refresh has ended the session; one that is down has not. Open WebSockets live through a
// renewal.
func TestRefreshFails(t *testing.T) {
	t.Parallel()
	const life = 2 * time.Second
	w := newEnvironment(t, func(s *oidcprovider.Settings) { s.AccessTokenLife, s.RefreshTokens = life, true },
		vars{"AUTH_PARAMS_AUDIENCE": audience, "AUTH_PARAMS_SCOPE": "openid profile email offline_access"})
	v := newClient(t)
	v.logIn(w.provider, w.proxy.url+"/", "user|ann")
	socket := v.connect(t, w.proxy.url)
	eventually(t, "the tokens are renewed", func() bool {
		if _, in := v.isIn(w.proxy.url); !in {
			t.Fatal("the session ended with its first token")
		}
		return w.provider.Count("grant refresh_token") > 0
	})
	socket.says(t, "after the renewal")
	w.provider.Stop()
	eventually(t, "the tokens cannot be renewed", func() bool {
		if _, in := v.isIn(w.proxy.url); !in {
			t.Fatal("the session ended with the provider")
		}
		return w.proxy.logged("tokens not renewed") > 0
	})
	socket.says(t, "without the provider")
	w.provider.Resume() // it has forgotten everything
	eventually(t, "the provider's refusal ends the session", func() bool { _, in := v.isIn(w.proxy.url); return !in })
	socket.ends(t)
}

// What the provider ends, ends here: pages that are open, within a second, and the next visit.
func TestBackchannelLogout(t *testing.T) {
	t.Parallel()
	for name, bySubject := range map[string]bool{"of a session": false, "of a person": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnvironment(t, func(s *oidcprovider.Settings) { s.Clients[0].LogoutBySubject = bySubject }, nil)
			leaver, other := newClient(t), newClient(t)
			leaver.logIn(w.provider, w.proxy.url+"/", "user|ann")
			other.logIn(w.provider, w.proxy.url+"/", "user|bob")
			open := leaver.connect(t, w.proxy.url)
			kept := other.connect(t, w.proxy.url)
			open.says(t, "one")
			kept.says(t, "two")
			w.provider.EndSessions("user|ann")
			open.ends(t)
			if _, in := leaver.isIn(w.proxy.url); in {
				t.Error("in after the provider's logout")
			}
			if got := leaver.status(w.proxy.url); got != "logged out" {
				t.Errorf("status %q after the provider's logout", got)
			}
			kept.says(t, "three")
			if _, in := other.isIn(w.proxy.url); !in {
				t.Error("another user was logged out")
			}
		})
	}
}

// The proxy starts without its provider, says so, and finds it when it comes.
func TestProviderDownAtStart(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	w.proxy.stop()
	w.provider.Stop()
	w.proxy.start()
	if ok, said := w.proxy.ready(); ok || !strings.Contains(said, "provider") && !strings.Contains(said, w.provider.Issuer()) {
		t.Errorf("ready %v without a provider: %s", ok, said)
	}
	v := newClient(t)
	page := v.open(w.proxy.url + "/")
	if page.Status != http.StatusServiceUnavailable && page.Status != http.StatusBadGateway {
		t.Errorf("a visit without a provider: %d at %s", page.Status, page.URL)
	}
	w.provider.Resume()
	w.proxy.findsProviders()
	page = v.logIn(w.provider, w.proxy.url+"/", "user|ann")
	echoOf(t, page.Status, page.Body)
}

// A provider that goes away takes nobody's session with it.
func TestProviderGoesAway(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	v := newClient(t)
	v.logIn(w.provider, w.proxy.url+"/", "user|ann")
	socket := v.connect(t, w.proxy.url)
	w.provider.Stop()
	socket.says(t, "still here")
	if _, in := v.isIn(w.proxy.url); !in {
		t.Error("the session ended with the provider")
	}
	if _, _, body := v.ask(http.MethodGet, w.proxy.url+"/logout", nil); strings.Contains(body, "panic") {
		t.Error(body)
	}
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("the logout did not work without the provider")
	}
}

// Sessions in a file outlive the process.
func TestRestartWithSQLite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "sessions.db")
	w := newEnvironment(t, nil, nil, "--session-store", "sqlite:"+file)
	v, gone := newClient(t), newClient(t)
	v.logIn(w.provider, w.proxy.url+"/", "user|ann")
	gone.logIn(w.provider, w.proxy.url+"/", "user|bob")
	gone.ask(http.MethodGet, w.proxy.url+"/logout", nil)
	w.proxy.kill() // what was answered with success is kept
	w.proxy.start()
	w.proxy.findsProviders()
	kept, err := filepath.Glob(file + "*")
	if err != nil || len(kept) == 0 {
		t.Fatalf("no file: %q, %v", kept, err)
	}
	for _, name := range kept {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"eyJ", "ann@example.com", "user|ann", v.session(w.proxy.url)} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s holds %q", filepath.Base(name), secret)
			}
		}
		if info, err := os.Stat(name); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s may be read by others: %v", filepath.Base(name), info.Mode())
		}
	}
	if e, in := v.isIn(w.proxy.url); !in || e.Header.Get("X-Auth-Name") != "ann@example.com" || e.Header.Get("X-Id-Token") == "" {
		t.Errorf("after a restart: in %v, %v", in, e.Header)
	}
	if _, in := gone.isIn(w.proxy.url); in {
		t.Error("a session that had ended is back after a restart")
	}
	w.provider.EndSessions("user|ann")
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("in after the provider's logout")
	}
}

// The signing secret is exchanged without logging everyone out, and what was not renewed since goes with the old one.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	for name, store := range map[string]string{"memory": "memory", "sqlite": "sqlite"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if store == "sqlite" {
				store = "sqlite:" + filepath.Join(t.TempDir(), "sessions.db")
			}
			w := newEnvironment(t, nil, nil, "--session-store", store)
			set := func(secrets string) vars {
				return oidcVars(w.provider.Issuer(), w.proxy.options.port, vars{"AUTH_SECRET": secrets})
			}
			active, idle := newClient(t), newClient(t)
			active.logIn(w.provider, w.proxy.url+"/", "user|ann")
			idle.logIn(w.provider, w.proxy.url+"/", "user|bob")
			socket := active.connect(t, w.proxy.url)
			w.proxy.reload(set(otherSecret + "," + signSecret))
			socket.says(t, "the connection lives through it")
			if _, in := active.isIn(w.proxy.url); !in {
				t.Error("logged out by the new secret")
			}
			w.proxy.reload(set(otherSecret))
			if _, in := active.isIn(w.proxy.url); !in {
				t.Error("a renewed session went with the old secret")
			}
			if _, in := idle.isIn(w.proxy.url); in {
				t.Error("a session that was not renewed outlives the old secret")
			}
		})
	}
}
