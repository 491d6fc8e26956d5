package export_test

import (
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// The people of a file of users keep their hashes, and their names are ours, which the app must not get from others.
func TestNginxUsers(t *testing.T) {
	t.Parallel()
	hash, err := bcrypt.GenerateFromPassword([]byte("ben's"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	users := func(names ...string) map[config.Feature]config.Users {
		u := config.Users{File: "users.htpasswd"}
		for _, name := range names {
			u.Logins = append(u.Logins, config.UserHash{Username: name, Hash: config.Secret(hash)})
		}
		return map[config.Feature]config.Users{config.MainApp: u}
	}
	for name, login := range map[string]config.Config{
		"alone":  {Users: users("ben", "carl")},
		"beside": {Passwords: logins(config.MainApp), Users: users("ben", "carl")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := export.Nginx(export.Project{Name: "my-app", Login: login}, options("/etc/nginx"))
			if err != nil {
				t.Fatal(err)
			}
			var passwords string
			for _, f := range files {
				if strings.HasSuffix(f.Name, ".main_app.htpasswd") && f.Secret {
					passwords = string(f.Data)
				}
			}
			same := "$2y$" + strings.TrimPrefix(string(hash), "$2a$")
			if !strings.HasSuffix(passwords, "ben:"+same+"\ncarl:"+same+"\n") || strings.Count(passwords, "\n") != 2+len(login.Passwords) {
				t.Errorf("password file:\n%s", passwords)
			}
			for _, want := range []string{`"~^ben$"`, `"~^carl$"`, "my-app.main_app.htpasswd"} {
				if !strings.Contains(string(files[0].Data), want) {
					t.Errorf("%s is missing in\n%s", want, files[0].Data)
				}
			}
		})
	}
	if _, err := export.Nginx(export.Project{Name: "my-app", Login: config.Config{Users: users("#ben")}}, options("/etc/nginx")); err == nil {
		t.Error("a name that begins a comment is accepted")
	}
}
