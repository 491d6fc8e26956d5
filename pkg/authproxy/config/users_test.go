package config_test

import (
	"errors"
	"strings"
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
		"twice":                  {"ana:" + good + "\nana:" + good, nil, "the name of user 2 is a duplicate"},
		"twice, in another form": {"zo\u00eb:" + good + "\nzoe\u0308:" + good, nil, "the name of user 2 is a duplicate"},
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
			c, err := config.From(s)
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
			for _, u := range c.Users[config.MainApp].Logins {
				names = append(names, u.Username)
			}
			if strings.Join(names, " ") != strings.Join(tc.users, " ") || !c.HasPassword(config.MainApp) {
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
			if _, err := config.From(s); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
		})
	}
	if config.Ignored([]string{"AUTH_USERS_FILE"}) == "" {
		t.Error("a deployment elsewhere would ignore the file, and be open")
	}
}
