package e2e

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// Class 9: who is taken from the list is out at once, open pages included, and everybody else stays.
func TestReloadOfRules(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"AUTH_ALLOWED_EMAILS": "ann@example.com,bob@elsewhere.org"})
	port := w.proxy.options.port
	gone, stays := newClient(t), newClient(t)
	gone.logIn(w.provider, w.proxy.url+"/", "user|ann")
	stays.logIn(w.provider, w.proxy.url+"/", "user|bob")
	closes := gone.connect(t, w.proxy.url)
	open := stays.connect(t, w.proxy.url)
	closes.says(t, "one")
	w.proxy.reload(oidcVars(w.provider.Issuer(), port, vars{"AUTH_ALLOWED_EMAILS": "bob@elsewhere.org"}))
	closes.ends(t)
	if _, in := gone.isIn(w.proxy.url); in {
		t.Error("in after being taken from the list")
	}
	if page := gone.open(w.proxy.url + "/"); page.Status != http.StatusForbidden {
		t.Errorf("the next visit: %d, want 403", page.Status)
	}
	open.says(t, "two")
	if _, in := stays.isIn(w.proxy.url); !in {
		t.Error("another user was logged out")
	}
}

// A configuration that is wrong changes nothing, and the log says what is wrong with it.
func TestReloadOfMistakes(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, nil)
	v := newClient(t)
	v.logIn(w.provider, w.proxy.url+"/", "user|ann")
	socket := v.connect(t, w.proxy.url)
	for name, broken := range map[string]vars{
		"a short secret":      oidcVars(w.provider.Issuer(), w.proxy.options.port, vars{"AUTH_SECRET": "short"}),
		"an unknown variable": oidcVars(w.provider.Issuer(), w.proxy.options.port, vars{"AUTH_ALLOWED_EMAIL": "ann@example.com"}),
		"no login":            {},
	} {
		const message = "not reloaded, keeping the old configuration"
		before := w.proxy.logged(message)
		w.proxy.configure(broken)
		w.proxy.signal(syscall.SIGHUP)
		w.proxy.eventually(name+" is refused", func() bool { return w.proxy.logged(message) > before })
		if _, in := v.isIn(w.proxy.url); !in {
			t.Errorf("%s: the session has ended", name)
		}
		socket.says(t, name)
	}
	if err := os.Remove(w.proxy.envFile); err != nil {
		t.Fatal(err)
	}
	w.proxy.signal(syscall.SIGHUP)
	if _, status := newClient(t).dial(t, w.proxy.url); status != http.StatusUnauthorized {
		t.Errorf("without its file the proxy lets strangers in: %d", status)
	}
}

// After a move to another provider, sessions of the one before are worth nothing.
func TestReloadOfTheProvider(t *testing.T) {
	t.Parallel()
	w := newPair(t)
	port := w.proxy.options.port
	v := newClient(t)
	v.logIn(w.first, w.proxy.url+"/_auth/login/first", "user|ann")
	w.proxy.reload(oidcVars(w.second.Issuer(), port, nil))
	w.proxy.findsProviders()
	if _, in := v.isIn(w.proxy.url); in {
		t.Error("a session of a provider that is asked no more opens the app")
	}
	page := v.logIn(w.second, w.proxy.url+"/", "user|bob")
	if e := echoOf(t, page.Status, page.Body); e.Header.Get("X-Auth-Sub") != "user|bob" {
		t.Errorf("Bob is %q", e.Header.Get("X-Auth-Sub"))
	}
}

// A provider changes its signing key while the program runs.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"AUTH_BEARER_AUDIENCE": audience})
	before, after := newClient(t), newClient(t)
	before.logIn(w.provider, w.proxy.url+"/", "user|ann")
	w.provider.Stop()
	w.provider.ChangeKey()
	w.provider.Resume()
	if _, in := before.isIn(w.proxy.url); !in {
		t.Error("the session went with the key")
	}
	page := after.logIn(w.provider, w.proxy.url+"/", "user|bob")
	if e := echoOf(t, page.Status, page.Body); e.Header.Get("X-Auth-Sub") != "user|bob" {
		t.Errorf("Bob is %q", e.Header.Get("X-Auth-Sub"))
	}
}

// A secret that the provider does not know is a mistake of the app's operator: users are told so, without a loop.
func TestWrongClientSecret(t *testing.T) {
	t.Parallel()
	w := newEnvironment(t, nil, vars{"AUTH_CLIENT_SECRET": "not the secret - of the tests"})
	page := newClient(t).logIn(w.provider, w.proxy.url+"/", "user|ann")
	strict(t, page, http.StatusInternalServerError)
	if !strings.Contains(page.Body, "set up wrongly") || !strings.Contains(page.Body, "invalid_client") {
		t.Errorf("users read %s", page.Body)
	}
	w.proxy.eventually("the log says what the provider said", func() bool {
		return strings.Contains(w.proxy.said.String(), "invalid_client")
	})
}
