package authproxy_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
)

// userHash is a user with the hash of a password.
func userHash(t *testing.T, name, text string) authproxy.UserHash {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(text), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return authproxy.UserHash{Username: name, Hash: authproxy.Secret(hash)}
}

// team is a main app with three people: one by the variables, two by a file.
func team(t *testing.T) authproxy.Config {
	t.Helper()
	c := mainApp()
	c.Users = map[authproxy.Feature]authproxy.Users{authproxy.MainApp: {File: "users.htpasswd",
		Logins: []authproxy.UserHash{userHash(t, "ben", "ben's"), userHash(t, "zoë", "zoë's")}}}
	return c
}

// Each of several people logs in with their own password, by the page and by Basic, and is told to the app by name.
func TestSeveralUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, team(t), nil)
	for name, text := range map[string]string{user: pass, "ben": "ben's", "zoë": "zoë's"} {
		b := w.browser()
		if got := b.login("/x", name, text); got.StatusCode != http.StatusSeeOther || got.location() != "/x" {
			t.Fatalf("%s: %d\n%s", name, got.StatusCode, got.body)
		}
		wantApp(t, b.get("/"))
		wantApp(t, w.browser().get("/", asBasic(name, text)))
		for _, s := range w.taken() {
			if s.Header.Get("X-Auth-Name") != name || s.Header.Get("X-Auth-Sub") != "password|"+name || s.Header.Get("Authorization") != "" {
				t.Errorf("%s: the app saw %v", name, s.Header)
			}
		}
		for other, text := range map[string]string{"ann": "ben's", "ben": "zoë's", "eve": "ben's"} {
			wantCode(t, w.browser().get("/", asBasic(other, text)), http.StatusUnauthorized)
		}
	}
}

// Security class 9: a user who is taken out of the file, or has another password there, is logged out by the reload;
// the others stay.
func TestClass09UsersChange(t *testing.T) {
	t.Parallel()
	c := team(t)
	w := newWorld(t, c, nil)
	in := map[string]*browser{}
	for name, text := range map[string]string{user: pass, "ben": "ben's", "zoë": "zoë's"} {
		in[name] = w.browser()
		in[name].login("/", name, text)
	}
	c.Users = map[authproxy.Feature]authproxy.Users{authproxy.MainApp: {File: "users.htpasswd",
		Logins: []authproxy.UserHash{c.Users[authproxy.MainApp].Logins[1], userHash(t, "carl", "carl's")}}}
	if err := w.proxy.Reload(c); err != nil {
		t.Fatal(err)
	}
	wantCode(t, in["ben"].get("/"), http.StatusUnauthorized)
	wantCode(t, w.browser().get("/", asBasic("ben", "ben's")), http.StatusUnauthorized)
	wantApp(t, in["zoë"].get("/"))
	wantApp(t, in[user].get("/"))
	wantApp(t, w.browser().get("/", asBasic("carl", "carl's")))
	c.Users[authproxy.MainApp].Logins[0] = userHash(t, "zoë", "another")
	if err := w.proxy.Reload(c); err != nil {
		t.Fatal(err)
	}
	wantCode(t, in["zoë"].get("/"), http.StatusUnauthorized)
	wantApp(t, in[user].get("/"))
}

// A file of users is read line by line, and no mistake repeats what is in it.
func TestUsersFile(t *testing.T) {
	t.Parallel()
	good := userHash(t, "", "x").Hash.Reveal()
	for name, tc := range map[string]struct {
		text  string
		users []string
		wrong string
	}{
		"as htpasswd writes it":  {"ana:" + strings.Replace(good, "$2a$", "$2y$", 1) + "\n", []string{"ana"}, ""},
		"several":                {"\ufeff# team\r\nana:" + good + "\r\n\r\nben@example.com:" + good, []string{"ana", "ben@example.com"}, ""},
		"not ASCII":              {"zoë ü:" + good + "\n", []string{"zoë ü"}, ""},
		"clear text":             {"ana:CANARY\n", nil, "line 1: there is no bcrypt hash"},
		"no name":                {":" + good + "\n", nil, "line 1: the user name is missing"},
		"no colon":               {"\n\nCANARY\n", nil, "line 3: there is no bcrypt hash"},
		"apr1":                   {"ana:$apr1$CANARY$CANARYCANARYCANARYCA/\n", nil, "line 1: there is no bcrypt hash"},
		"sha":                    {"ana:{SHA}CANARY=\n", nil, "line 1: there is no bcrypt hash"},
		"faulty implementation":  {"ana:" + strings.Replace(good, "$2a$", "$2x$", 1), nil, "line 1: there is no bcrypt hash"},
		"something behind":       {"ana:" + good + ":CANARY\n", nil, "line 1: there is no bcrypt hash"},
		"too dear":               {"ana:" + strings.Replace(good, "$04$", "$20$", 1), nil, "line 1: the cost of the hash"},
		"control character":      {"a\x1bna:" + good, nil, "line 1: the user name has a control character"},
		"space before":           {" ana:" + good, nil, "line 1: the user name begins or ends with white space"},
		"space behind":           {"ana:" + good + "\nana\u00a0:" + good, nil, "line 2: the user name begins or ends with white space"},
		"twice":                  {"ana:" + good + "\nana:" + good, nil, "the name of user 2 is there twice"},
		"twice, in another form": {"zo\u00eb:" + good + "\nzoe\u0308:" + good, nil, "the name of user 2 is there twice"},
		"nobody":                 {"# CANARY\n", nil, "lists no user"},
		"too large":              {strings.Repeat("#CANARY\n", 1<<18), nil, "larger than 1 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := from(map[string]string{"AUTH_USERS_FILE": "team"})
			s.ReadFile = func(file string) ([]byte, error) {
				if file != "team" {
					return nil, errors.New("no such file")
				}
				return []byte(tc.text), nil
			}
			c, err := authproxy.ConfigFrom(s)
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) || !strings.Contains(err.Error(), "AUTH_USERS_FILE") || strings.Contains(err.Error(), "CANARY") {
					t.Errorf("error %v, want %q", err, tc.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, u := range c.Users[authproxy.MainApp].Logins {
				names = append(names, u.Username)
			}
			if strings.Join(names, " ") != strings.Join(tc.users, " ") || !c.HasPassword(authproxy.MainApp) {
				t.Errorf("users %q, want %q", names, tc.users)
			}
		})
	}
}

// What cannot be read, or belongs to a provider's app, leaves nothing open (security class 24).
func TestClass24UsersFile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		vars map[string]string
		read func(string) ([]byte, error)
		want string
	}{
		"no reader":  {map[string]string{"AUTH_USERS_FILE": "x"}, nil, "AUTH_USERS_FILE: files of users cannot be read here"},
		"not there":  {map[string]string{"AUTH_API_USERS_FILE": "x"}, func(string) ([]byte, error) { return nil, errors.New("no such file") }, "AUTH_API_USERS_FILE: x cannot be read: no such file"},
		"empty name": {map[string]string{"AUTH_ANALYTICS_USERS_FILE": ""}, nil, "AUTH_ANALYTICS_USERS_FILE: is empty"},
		"misspelt":   {map[string]string{"AUTH_USER_FILE": "x"}, nil, "did you mean AUTH_USERS_FILE?"},
		"beside a provider": {map[string]string{"AUTH_USERS_FILE": "x", "AUTH_CLIENT_ID": "id", "AUTH_CLIENT_SECRET": "cs", "AUTH_ISSUER_BASE_URL": "https://t.example.com", "AUTH_SECRET": longSecret},
			func(string) ([]byte, error) { return []byte("ana:" + userHash(t, "", "x").Hash.Reveal()), nil }, "remove AUTH_USERS_FILE, or the variables of the provider"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := from(tc.vars)
			s.ReadFile = tc.read
			if _, err := authproxy.ConfigFrom(s); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	if authproxy.OnlyHere([]string{"AUTH_USERS_FILE"}) == "" {
		t.Error("a deployment elsewhere would not heed the file, and be open")
	}
}

// The part of the app for one feature alone takes its users along.
func TestOnlyTakesUsers(t *testing.T) {
	t.Parallel()
	c := authproxy.Config{Users: map[authproxy.Feature]authproxy.Users{authproxy.API: {File: "f", Logins: []authproxy.UserHash{userHash(t, "bot", "x")}}}}
	w := newWorld(t, c.Only(authproxy.API), nil)
	wantCode(t, w.browser().get("/"), http.StatusUnauthorized)
	wantApp(t, w.browser().get("/", asBasic("bot", "x")))
	if got := w.browser().get("/_auth/login?next="+url.QueryEscape("/"), asPage); got.StatusCode != http.StatusOK {
		t.Errorf("login page: %d", got.StatusCode)
	}
}
