package config_test

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords = map[config.Feature]config.Login{config.API: {Username: "bot", Password: "canary"}}
	c.Secrets = []config.Secret{"canary", "canary"}
	c.Providers = []config.Provider{{Issuer: "https://t.example.com", ClientID: "id", ClientSecret: "canary", Audience: "api", Prompt: "consent"}}
	c.Access = config.Access{Emails: []string{}, Groups: []string{"a", "b c"}, Claims: map[string][]string{"role": {"x", "y"}, "org": {"z"}}}
	c.BaseURL = &url.URL{Scheme: "https", Host: "app.example.com"}
	c.SessionIdle = 90 * time.Minute
	var got []string
	for _, s := range c.Settings() {
		got = append(got, s.String())
	}
	want := []string{
		"username_api=bot", "password_api=***", "AUTH_CLIENT_ID=id", "AUTH_CLIENT_SECRET=***",
		"AUTH_ISSUER_BASE_URL=https://t.example.com", "AUTH_PARAMS_AUDIENCE=api", "AUTH_PARAMS_SCOPE=openid profile email",
		"AUTH_PARAMS_PROMPT=consent", "AUTH_SECRET=***,***", "AUTH_BASE_URL=https://app.example.com", "AUTH_ALLOWED_EMAILS=", "AUTH_ALLOWED_GROUPS=a,b c",
		"AUTH_GROUPS_CLAIM=groups", "AUTH_ALLOWED_CLAIMS=org=z,role=x,role=y", "AUTH_PASSWORD_MODE=auto",
		"AUTH_ANALYTICS_PATH=/analytics", "AUTH_API_PATH=/api", "AUTH_SESSION_IDLE=1h30m", "AUTH_SESSION_LIFETIME=168h",
	}
	if !slices.Equal(got, want) {
		t.Errorf("settings %q\nwant     %q", got, want)
	}
}

// Every variable that From reads is shown, and what is shown means the same again.
func TestSettingsRoundTrip(t *testing.T) {
	t.Parallel()
	common := map[string]string{
		"AUTH_SECRET": longSecret, "AUTH_BASE_URL": "https://app.example.com/team/app/", "AUTH_STRIP_BASE_PATH": "true", "AUTH_POST_LOGOUT_REDIRECT": "/bye",
		"AUTH_ALLOWED_EMAILS": "zoë@example.com, ann@example.org", "AUTH_ALLOWED_DOMAINS": "", "AUTH_ALLOWED_GROUPS": "a, b c",
		"AUTH_GROUPS_CLAIM": "roles", "AUTH_ALLOWED_CLAIMS": "tenant=x=y, role=b, role=a", "AUTH_BEARER_AUDIENCE": "api",
		"AUTH_PASSWORD_MODE": "form", "AUTH_ANALYTICS_PATH": "/a", "AUTH_API_PATH": "/b", "AUTH_PUBLIC_PATHS": "/health, /static/",
		"AUTH_TRUSTED_PROXIES": "10.0.0.0/8, ::1", "AUTH_SESSION_IDLE": "90s", "AUTH_SESSION_LIFETIME": "1h0m30s",
		"username_api": " bot", "password_api": "pw",
	}
	single, several := oneProvider(), twoProviders()
	single["AUTH_PARAMS_AUDIENCE"], single["AUTH_PARAMS_SCOPE"], single["AUTH_PARAMS_PROMPT"] = "api", "openid", "login  consent"
	single["AUTH_PARAMS_ACR_VALUES"], single["AUTH_PARAMS_EXTRA"] = "a b&c", "theme=dark&resource=x&resource=y&empty="
	single["AUTH_NAME_CLAIM"], single["AUTH_LOGOUT_URL"] = "preferred_username", "https://t.example.com/out?client_id={client_id}"
	single["AUTH_TENANTS"] = "9188040D-6C67-4C5B-B112-36A304B66DAD, 11111111-2222-3333-4444-555555555555"
	several["AUTH_GOOGLE_PARAMS_LOGIN_HINT"], several["AUTH_ENTRA_ID_TENANTS"] = "@example.com", "any"
	team := map[string]string{"AUTH_USERS_FILE": "team.htpasswd", "AUTH_ANALYTICS_USERS_FILE": "a", "AUTH_API_USERS_FILE": "b",
		"AUTH_CLEAR_SITE_DATA": "storage, Cache", "AUTH_APP_NAME": "Sales of 2026", "AUTH_HELP_TEXT": "Ask Zoë\nin room 5."}
	shown := map[string]bool{}
	for name, vars := range map[string]map[string]string{"single": single, "several": several} {
		maps.Copy(vars, common)
		for _, s := range roundTrip(t, vars) {
			shown[s.Name] = true
		}
		for variable := range vars {
			if !shown[variable] {
				t.Errorf("%s: %s is not shown", name, variable)
			}
		}
	}
	for _, s := range roundTrip(t, team) {
		shown[s.Name] = true
	}
	for _, variable := range config.Variables() {
		if !shown[variable.Name] {
			t.Errorf("%s is in no list of settings", variable.Name)
		}
	}
}

// roundTrip makes a Config from vars, and from what it shows again, secrets put back, and compares the two.
func roundTrip(t *testing.T, vars map[string]string) []config.Setting {
	t.Helper()
	c, err := config.From(from(vars))
	if err != nil {
		t.Fatal(err)
	}
	settings, again := c.Settings(), map[string]string{}
	for _, s := range settings {
		if _, twice := again[s.Name]; twice {
			t.Errorf("%s is shown twice", s.Name)
		}
		if again[s.Name] = s.Value; strings.Contains(s.Value, "***") && secretVariable(s.Name) {
			again[s.Name] = vars[s.Name]
		}
	}
	back, err := config.From(from(again))
	if err != nil {
		t.Fatalf("%v\nfrom %q", err, again)
	}
	if !reflect.DeepEqual(c, back) {
		t.Errorf("%+v\nbecame %+v", c, back)
	}
	return settings
}

func secretVariable(name string) bool {
	return name == "AUTH_SECRET" || strings.HasSuffix(name, "_CLIENT_SECRET") || strings.HasPrefix(name, "password_")
}

// FuzzConfigFrom reads lines of NAME=value. Whatever they are, a mistake names a variable and tells no secret, and a
// Config that was accepted holds what it promises.
func FuzzConfigFrom(f *testing.F) {
	for _, vars := range []map[string]string{oneProvider(), twoProviders(), {"username_main_app": "ann", "password_main_app": "pw-canary"}} {
		f.Add(lines(vars))
		for _, more := range []string{
			"AUTH_ALLOWED_EMAILS=ann@example.com,a@b@c", "AUTH_ALLOWED_DOMAINS=example.com,*.x", "AUTH_ALLOWED_GROUPS=\nAUTH_GROUPS_CLAIM=g",
			"AUTH_ALLOWED_CLAIMS=role=admin,role=dev,x", "AUTH_BEARER_AUDIENCE=a", "AUTH_PROVIDERS=a-b,a_b,params", "AUTH_PUBLIC_PATHS=/a/,/b",
			"AUTH_TRUSTED_PROXIES=10.0.0.0/8,::/0", "AUTH_SESSION_IDLE=1h", "AUTH_BASE_URL=https://a/b", "AUTH_API_PATH=//", "AUTH_GOOGLE_CLIENT_ID=",
		} {
			f.Add(lines(vars) + more)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars := map[string]string{}
		for line := range strings.SplitSeq(text, "\n") {
			if name, value, ok := strings.Cut(line, "="); ok {
				vars[name] = value
			}
		}
		c, err := config.From(from(vars))
		if err != nil {
			for name, value := range vars {
				if secretVariable(name) && len(value) > 20 && strings.Contains(err.Error(), value) {
					t.Errorf("the value of %s is in %v", name, err)
				}
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Errorf("accepted, and then: %v", err)
		}
		if len(c.Passwords) == 0 && len(c.Providers) == 0 {
			t.Errorf("nothing protects the app: %q", text)
		}
		for _, name := range []string{"AUTH_ALLOWED_EMAILS", "AUTH_ALLOWED_DOMAINS", "AUTH_ALLOWED_GROUPS"} {
			_, set := vars[name]
			list := map[string][]string{
				"AUTH_ALLOWED_EMAILS": c.Access.Emails, "AUTH_ALLOWED_DOMAINS": c.Access.Domains, "AUTH_ALLOWED_GROUPS": c.Access.Groups,
			}[name]
			if set != (list != nil) {
				t.Errorf("%s set %v, list %q", name, set, list)
			}
		}
		if len(c.Rules()) == 0 || strings.Contains(fmt.Sprint(c), "canary") {
			t.Errorf("rules %v of %v", c.Rules(), c)
		}
		roundTrip(t, vars)
	})
}

func lines(vars map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		b.WriteString(name + "=" + vars[name] + "\n")
	}
	return b.String()
}
