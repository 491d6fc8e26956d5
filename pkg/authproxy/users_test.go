package authproxy_test

import (
	"net/http"
	"net/url"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// userHash is a user with the hash of a password.
func userHash(t *testing.T, name, text string) config.UserHash {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return config.UserHash{Username: name, Hash: config.Secret(hash)}
}

// team is a main app with three people: one by the variables, two by a file.
func team(t *testing.T) config.Config {
	t.Helper()
	c := mainApp()
	c.Users = map[config.Feature]config.Users{config.MainApp: {File: "users.htpasswd",
		Logins: []config.UserHash{userHash(t, "ben", "ben's"), userHash(t, "zoë", "zoë's")}}}
	return c
}

// Each of several people logs in with their own password, by the page and by Basic, and is told to the app by name.
func TestSeveralUsers(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, team(t), nil)
	for name, text := range map[string]string{user: pass, "ben": "ben's", "zoë": "zoë's"} {
		b := env.browser()
		if got := b.login("/x", name, text); got.StatusCode != http.StatusSeeOther || got.location() != "/x" {
			t.Fatalf("%s: %d\n%s", name, got.StatusCode, got.body)
		}
		wantApp(t, b.get("/"))
		wantApp(t, env.browser().get("/", asBasic(name, text)))
		for _, s := range env.received() {
			if s.Header.Get("X-Auth-Name") != name || s.Header.Get("X-Auth-Sub") != "password|"+name || s.Header.Get("Authorization") != "" {
				t.Errorf("%s: the app saw %v", name, s.Header)
			}
		}
		for other, text := range map[string]string{"ann": "ben's", "ben": "zoë's", "eve": "ben's"} {
			wantCode(t, env.browser().get("/", asBasic(other, text)), http.StatusUnauthorized)
		}
	}
}

// Security class 9: a user who is taken out of the file, or has another password there, is logged out by the reload;
// the others stay.
func TestClass09UsersChange(t *testing.T) {
	t.Parallel()
	c := team(t)
	env := newEnvironment(t, c, nil)
	in := map[string]*browser{}
	for name, text := range map[string]string{user: pass, "ben": "ben's", "zoë": "zoë's"} {
		in[name] = env.browser()
		in[name].login("/", name, text)
	}
	c.Users = map[config.Feature]config.Users{config.MainApp: {File: "users.htpasswd",
		Logins: []config.UserHash{c.Users[config.MainApp].Logins[1], userHash(t, "carl", "carl's")}}}
	if err := env.proxy.Reload(c); err != nil {
		t.Fatal(err)
	}
	wantCode(t, in["ben"].get("/"), http.StatusUnauthorized)
	wantCode(t, env.browser().get("/", asBasic("ben", "ben's")), http.StatusUnauthorized)
	wantApp(t, in["zoë"].get("/"))
	wantApp(t, in[user].get("/"))
	wantApp(t, env.browser().get("/", asBasic("carl", "carl's")))
	c.Users[config.MainApp].Logins[0] = userHash(t, "zoë", "another")
	if err := env.proxy.Reload(c); err != nil {
		t.Fatal(err)
	}
	wantCode(t, in["zoë"].get("/"), http.StatusUnauthorized)
	wantApp(t, in[user].get("/"))
}

// The part of the app for one feature alone takes its users along.
func TestOnlyTakesUsers(t *testing.T) {
	t.Parallel()
	c := config.Config{Users: map[config.Feature]config.Users{config.API: {File: "f", Logins: []config.UserHash{userHash(t, "bot", "x")}}}}
	env := newEnvironment(t, c.Only(config.API), nil)
	wantCode(t, env.browser().get("/"), http.StatusUnauthorized)
	wantApp(t, env.browser().get("/", asBasic("bot", "x")))
	if got := env.browser().get("/_auth/login?next="+url.QueryEscape("/"), asPage); got.StatusCode != http.StatusOK {
		t.Errorf("login page: %d", got.StatusCode)
	}
}
