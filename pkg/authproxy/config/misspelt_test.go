package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Security class 24: the name of a user name or password that is almost right would leave its part of the app open.
func TestMisspeltLogins(t *testing.T) {
	t.Parallel()
	right := map[string]string{"username_api": "x", "password_api": "y"}
	for name, tc := range map[string]struct{ user, pass, meant string }{
		"one word":               {"username_mainapp", "password_mainapp", "main_app"},
		"other case":             {"USERNAME_MAIN_APP", "PASSWORD_MAIN_APP", "main_app"},
		"other case and words":   {"UserName_MainApp", "passWord_MainApp", "main_app"},
		"other separators":       {"username_main-app", "password_main-app", "main_app"},
		"more separators":        {"username__main_app", "password.main.app", "main_app"},
		"other words":            {"user_main_app", "pass_main_app", "main_app"},
		"other words and case":   {"USER_MAINAPP", "PASSWD_MAIN-APP", "main_app"},
		"two words":              {"user_name_main_app", "pass_word_main_app", "main_app"},
		"a letter too few":       {"usernam_main_app", "password_main_ap", "main_app"},
		"swapped letters":        {"username_mian_app", "passwrod_main_app", "main_app"},
		"other order":            {"main_app_username", "MAIN_APP_PASSWORD", "main_app"},
		"half of the name":       {"username_main", "password_main", "main_app"},
		"other half of the name": {"username_app", "password_app", "main_app"},
		"singular":               {"username_analytic", "password_analytic", "analytics"},
		"analytics, other case":  {"USERNAME_ANALYTICS", "PASSWORD_ANALYTICS", "analytics"},
		"analytics, other words": {"user_analytics", "pwd_analytics", "analytics"},
		"analytics swapped":      {"username_analytisc", "password_analytisc", "analytics"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := maps.Clone(right)
			vars[tc.user], vars[tc.pass] = "canary", "canary"
			_, err := config.From(from(vars))
			for _, want := range []string{tc.user + ": unknown variable; did you mean username_" + tc.meant + "?", tc.pass + ": unknown variable; did you mean password_" + tc.meant + "?"} {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
					t.Errorf("%v, want %q", err, want)
				}
			}
		})
	}
	main := map[string]string{"username_main_app": "x", "password_main_app": "y"}
	for name, pair := range map[string][2]string{
		"case": {"USERNAME_API", "Password_Api"}, "words": {"user_api", "pass_api"}, "one word": {"usernameapi", "password-api"},
		"plural": {"username_apis", "password_apis"}, "half right": {"username_api", "pass_api"},
	} {
		t.Run("api, "+name, func(t *testing.T) {
			t.Parallel()
			vars := maps.Clone(main)
			vars[pair[0]], vars[pair[1]] = "x", "y"
			if _, err := config.From(from(vars)); err == nil || !strings.Contains(err.Error(), pair[1]+": unknown variable; did you mean password_api?") {
				t.Error(err)
			}
		})
	}
}

// Variables of other programs are left alone: a container's environment holds names of all kinds.
func TestOthersPasswords(t *testing.T) {
	t.Parallel()
	const others = `USERNAME USER LOGNAME PASSWORD PASS PWD OLDPWD username password password_db username_db PASSWORD_DB USERNAME_POSTGRES username_postgres
		password_postgres POSTGRES_PASSWORD POSTGRES_USER DB_PASSWORD API_USERNAME API_PASSWORD API_USER API_KEY USER_API USER_API_URL user_agent USER_ANALYTICS
		PASSWORD_API_TOKEN PASSWORD_APP USERNAME_APP PASSWORD_MAIN USERNAME_MAIN password_ap MAIN_APP APP_PASSWORD MAIN_PASSWORD username_other password_other
		username_analytics_db password_analytics_db ANALYTICS_PASSWORD USERDOMAIN USERPROFILE PASSWORD_STORE_DIR PASSWORDLESS usernames username_main_application`
	vars := map[string]string{"username_main_app": "x", "password_main_app": "y", "username_api": "x", "password_api": "y"}
	for name := range strings.FieldsSeq(others) {
		vars[name] = "theirs"
	}
	if c, err := config.From(from(vars)); err != nil || len(c.Passwords) != 2 {
		t.Error(err)
	}
	t.Run("without those of ours", func(t *testing.T) {
		t.Parallel()
		vars := map[string]string{"username_main_app": "x", "password_main_app": "y", "USER_API": "https://users.example", "USERNAME_APP": "x", "PASSWORD_APP": "y",
			"USER_ANALYTICS": "on", "PASSWORD_MAIN": "x", "username_main": "y", "MAIN_APP_PASSWORD": "x"}
		if _, err := config.From(from(vars)); err != nil {
			t.Error(err)
		}
	})
	t.Run("referred to", func(t *testing.T) {
		t.Parallel()
		s := from(map[string]string{"USERNAME_MAIN_APP": "ann", "PASSWORD_MAIN_APP": "pw"})
		s.Project.Logins = map[config.Feature]config.LoginRef{config.MainApp: {
			Username: config.Value{Variable: "USERNAME_MAIN_APP"}, Password: config.Value{Variable: "PASSWORD_MAIN_APP"}}}
		if c, err := config.From(s); err != nil || c.Passwords[config.MainApp].Username != "ann" {
			t.Error(err)
		}
	})
	t.Run("where case does not matter", func(t *testing.T) {
		t.Parallel()
		s := from(map[string]string{"USERNAME_MAIN_APP": "ann", "PASSWORD_MAIN_APP": "pw"})
		exact := s.Lookup
		s.Lookup = func(name string) (string, bool) { return exact(strings.ToUpper(name)) }
		if c, err := config.From(s); err != nil || c.Passwords[config.MainApp].Username != "ann" {
			t.Error(err)
		}
	})
}
