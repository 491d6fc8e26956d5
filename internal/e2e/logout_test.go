package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
)

// Who logs out of one app of a provider is logged out of the others that the provider tells.
func TestLogoutOfAnotherApp(t *testing.T) {
	t.Parallel()
	first, second := freeport.For(t), freeport.For(t)
	provider := oidcprovider.Start(t, settings(first, second)) // which tells the second
	app := startEcho(t)
	start := func(port int) *proxy {
		return startProxy(t, proxyOptions{port: port, upstream: app, vars: oidcVars(provider.Issuer(), port, nil)})
	}
	one, two := start(first), start(second)
	v, other := newClient(t), newClient(t)
	v.logIn(provider, one.url+"/", "user|ann")
	v.open(two.url + "/")
	other.logIn(provider, two.url+"/", "user|ann") // on another machine
	socket := v.connect(t, two.url)
	if _, err := provider.LogOut(t.Context(), v.client, one.url+"/logout"); err != nil {
		t.Fatal(err)
	}
	socket.ends(t)
	if _, in := v.isIn(two.url); in {
		t.Error("in at the other app")
	}
	if _, in := other.isIn(two.url); !in {
		t.Error("logged out on another machine too")
	}
}

// With several providers each has an address of its own for telling that someone has logged out.
func TestBackchannelOfSeveral(t *testing.T) {
	t.Parallel()
	port := freeport.For(t)
	at := func(name string) oidcprovider.Settings {
		s := settings(port)
		s.Clients[0].BackchannelLogout += "/" + name
		return s
	}
	w := startPair(t, port, at("first"), at("second"))
	ann, bob := newClient(t), newClient(t)
	ann.logIn(w.first, w.proxy.url+"/_auth/login/first", "user|ann")
	bob.logIn(w.second, w.proxy.url+"/_auth/login/second", "user|ann") // another Ann
	w.second.EndSessions("user|ann")
	if _, in := ann.isIn(w.proxy.url); !in {
		t.Error("the second provider has ended a session of the first")
	}
	if _, in := bob.isIn(w.proxy.url); in {
		t.Error("in after the provider's logout")
	}
	for name, form := range map[string]string{"no token": "", "garbage": "logout_token=a.b.c",
		"an ID token":       "logout_token=" + url.QueryEscape(w.first.Sign("JWT", map[string]any{"iss": w.first.Issuer(), "aud": clientID, "sub": "user|ann", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "nonce": "n"})),
		"of another issuer": "logout_token=" + url.QueryEscape(w.second.Sign("logout+jwt", logoutClaims(w.first.Issuer()))),
	} {
		answer, err := http.Post(w.proxy.url+"/_auth/backchannel-logout/first", "application/x-www-form-urlencoded", strings.NewReader(form))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %s, want 400", name, answer.Status)
		}
	}
	if _, in := ann.isIn(w.proxy.url); !in {
		t.Error("a forged logout has ended a session")
	}
	token := url.Values{"logout_token": {w.first.Sign("logout+jwt", logoutClaims(w.first.Issuer()))}}
	for _, want := range []int{http.StatusOK, http.StatusBadRequest} { // and not again
		answer, err := http.PostForm(w.proxy.url+"/_auth/backchannel-logout/first", token)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want || !strings.Contains(answer.Header.Get("Cache-Control"), "no-store") {
			t.Errorf("a genuine token: %s, %q", answer.Status, answer.Header.Get("Cache-Control"))
		}
	}
	if _, in := ann.isIn(w.proxy.url); in {
		t.Error("in after a genuine logout")
	}
}

func logoutClaims(issuer string) map[string]any {
	return map[string]any{"iss": issuer, "aud": clientID, "sub": "user|ann", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"jti": "only-once", "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
}

// AUTH_POST_LOGOUT_REDIRECT is where the browser goes in the end, by way of the provider.
func TestPostLogoutRedirect(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "see you") }))
	t.Cleanup(site.Close)
	for name, to := range map[string]string{"elsewhere": site.URL + "/bye", "here": "/open/bye"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEnvironment(t, func(s *oidcprovider.Settings) {
				base := strings.TrimSuffix(s.Clients[0].Redirects[0], "/callback")
				s.Clients[0].LogoutRedirects = []string{site.URL + "/bye", base + "/open/bye"}
			}, vars{"AUTH_POST_LOGOUT_REDIRECT": to, "AUTH_PUBLIC_PATHS": "/open/"})
			v := newClient(t)
			v.logIn(w.provider, w.proxy.url+"/", "user|ann")
			page, err := w.provider.LogOut(t.Context(), v.client, w.proxy.url+"/logout")
			if err != nil || page.Status != http.StatusOK || !strings.HasSuffix(page.URL.String(), to) {
				t.Errorf("leads to %+v, %v", page, err)
			}
			if status, h, _ := newClient(t).ask(http.MethodGet, w.proxy.url+"/logout", nil); status != http.StatusFound || h.Get("Location") != to {
				t.Errorf("without a session: %d to %s", status, h.Get("Location"))
			}
		})
	}
}
