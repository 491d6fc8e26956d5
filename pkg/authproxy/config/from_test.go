package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// from makes a Source of variables.
func from(vars map[string]string) config.Source {
	return config.Source{
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Names:  slices.Collect(maps.Keys(vars)),
		ReadFile: func(string) ([]byte, error) {
			return []byte("zoë:$2y$04$FQiFaVIpNlAgPoqnK8hw8OvurtiSYJd9LW.YGb6zQhl2TrsYQgrdu\n"), nil
		},
	}
}

const longSecret = "kX3-vB9_qL2zR7wT5yU8iO1pA4sD6fG0hJ" // random enough, and used nowhere

// mainApp protects everything by a password.
func mainApp() config.Config {
	return config.Config{Passwords: map[config.Feature]config.Login{config.MainApp: {Username: "ann", Password: "correct horse"}}}
}

func TestConfigFrom(t *testing.T) {
	t.Parallel()
	c, err := config.From(from(map[string]string{
		"username_main_app": "ann", "password_main_app": " pw with spaces ",
		"username_api": "a:b", "password_api": "x",
		"AUTH_PASSWORD_MODE": "Basic", "AUTH_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7", "AUTH_PUBLIC_PATHS": "/health,/static/",
		"AUTH_SESSION_IDLE": "90m", "AUTH_BASE_URL": "https://app.example.com", "AUTH_SECRET": longSecret + "," + longSecret + "old",
		"AUTH_POST_LOGOUT_REDIRECT": "https://example.com/bye", "PATH": "/bin", "UNRELATED": "x",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Passwords[config.MainApp]; got.Username != "ann" || got.Password.Reveal() != " pw with spaces " {
		t.Errorf("main app %q %q", got.Username, got.Password.Reveal())
	}
	if got := c.Passwords[config.API]; got.Username != "a:b" {
		t.Errorf("api %q", got.Username)
	}
	if c.PasswordMode != config.ModeBasic || len(c.TrustedProxies) != 2 || c.TrustedProxies[1].String() != "192.0.2.7/32" ||
		c.SessionIdle != 90*time.Minute || c.SessionLifetime != config.DefaultSessionLifetime || len(c.Secrets) != 2 ||
		c.BaseURL.Host != "app.example.com" || c.APIPath != "/api" || len(c.PublicPaths) != 2 || len(c.Providers) != 0 {
		t.Errorf("config %+v", c)
	}
}

func TestConfigFromProject(t *testing.T) {
	t.Parallel()
	s := from(map[string]string{"MY_USER": "ann", "MY_PASSWORD": "pw"})
	s.Project.Logins = map[config.Feature]config.LoginRef{
		config.MainApp:   {Username: config.Value{Variable: "MY_USER"}, Password: config.Value{Variable: "MY_PASSWORD"}},
		config.Analytics: {Username: config.Value{Literal: "eve"}, Password: config.Value{Literal: "literal"}},
	}
	c, err := config.From(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Passwords[config.MainApp]; got.Username != "ann" || got.Password.Reveal() != "pw" {
		t.Errorf("by reference: %q %q", got.Username, got.Password.Reveal())
	}
	if got := c.Passwords[config.Analytics]; got.Username != "eve" || got.Password.Reveal() != "literal" {
		t.Errorf("literal: %q %q", got.Username, got.Password.Reveal())
	}
}

func TestConfigFromOIDC(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"AUTH_CLIENT_ID": "id", "AUTH_CLIENT_SECRET": "cs", "AUTH_ISSUER_BASE_URL": "tenant.example.com",
		"AUTH_SECRET": longSecret}
	c, err := config.From(from(vars))
	if err != nil {
		t.Fatal(err)
	}
	if c.Providers[0].Issuer != "https://tenant.example.com" || c.Providers[0].Scope != config.DefaultScope {
		t.Errorf("%+v", c.Providers)
	}
	vars["username_api"], vars["password_api"] = "bot", "pw"
	if _, err := config.From(from(vars)); err != nil {
		t.Errorf("with a password for api: %v", err)
	}
}

// Security class 24: what would leave something open, or weak, is refused, with the variable's name.
func TestConfigFromMistakes(t *testing.T) {
	t.Parallel()
	login := map[string]string{"username_main_app": "ann", "password_main_app": "pw"}
	oidc := map[string]string{"AUTH_CLIENT_ID": "id", "AUTH_CLIENT_SECRET": "cs", "AUTH_ISSUER_BASE_URL": "https://t.example.com",
		"AUTH_SECRET": longSecret}
	for name, tc := range map[string]struct {
		base, vars map[string]string
		project    config.Project
		want       []string // each in the message
	}{
		"nothing":                     {nil, nil, config.Project{}, []string{"nothing protects the app"}},
		"only a secret":               {nil, map[string]string{"AUTH_SECRET": longSecret}, config.Project{}, []string{"nothing protects the app"}},
		"half a login":                {nil, map[string]string{"username_main_app": "ann"}, config.Project{}, []string{"password_main_app: is missing"}},
		"other half":                  {login, map[string]string{"password_api": "x"}, config.Project{}, []string{"username_api: is missing"}},
		"empty login":                 {nil, map[string]string{"username_main_app": "", "password_main_app": ""}, config.Project{}, []string{"username_main_app", "password_main_app"}},
		"control character in a name": {nil, map[string]string{"username_main_app": "a\nb", "password_main_app": "x"}, config.Project{}, []string{"username_main_app: has a control"}},
		"name not UTF-8":              {nil, map[string]string{"username_main_app": "a\xff", "password_main_app": "x"}, config.Project{}, []string{"username_main_app: is not UTF-8"}},
		"half a provider":             {nil, map[string]string{"AUTH_CLIENT_ID": "id"}, config.Project{}, []string{"AUTH_CLIENT_SECRET", "AUTH_ISSUER_BASE_URL", "AUTH_SECRET"}},
		"empty provider":              {nil, map[string]string{"AUTH_CLIENT_ID": ""}, config.Project{}, []string{"AUTH_CLIENT_ID"}},
		"template without a provider": {nil, nil, config.Project{Template: "node-auth0"}, []string{"AUTH_CLIENT_ID", "AUTH_ISSUER_BASE_URL"}},
		"reference to nothing": {nil, nil, config.Project{Logins: map[config.Feature]config.LoginRef{config.MainApp: {
			Username: config.Value{Variable: "U"}, Password: config.Value{Variable: "password_main_app"}}}},
			[]string{"U: is missing", "password_main_app: is missing"}},
		"unknown feature":           {login, nil, config.Project{Logins: map[config.Feature]config.LoginRef{"admin": {}}}, []string{"admin: no such feature"}},
		"password and provider":     {oidc, login, config.Project{}, []string{"has a password and a provider"}},
		"short secret":              {oidc, map[string]string{"AUTH_SECRET": "short"}, config.Project{}, []string{"AUTH_SECRET: is shorter"}},
		"repetitive secret":         {oidc, map[string]string{"AUTH_SECRET": strings.Repeat("ab", 20)}, config.Project{}, []string{"AUTH_SECRET: repeats"}},
		"placeholder secret":        {oidc, map[string]string{"AUTH_SECRET": "a-long-random-string-to-be-replaced"}, config.Project{}, []string{"AUTH_SECRET: is a placeholder"}},
		"placeholder, printed":      {oidc, map[string]string{"AUTH_SECRET": "LONG_RANDOM_VALUE_0123456789abcdef"}, config.Project{}, []string{"AUTH_SECRET: is a placeholder"}},
		"secret again and again":    {oidc, map[string]string{"AUTH_SECRET": "passwordpasswordpasswordpassword1"}, config.Project{}, []string{"AUTH_SECRET: repeats itself"}},
		"secret in between":         {oidc, map[string]string{"AUTH_SECRET": "1-letmein2letmein2letmein2letmein2!"}, config.Project{}, []string{"AUTH_SECRET: repeats itself"}},
		"secret of the client":      {oidc, map[string]string{"AUTH_SECRET": longSecret, "AUTH_CLIENT_SECRET": longSecret}, config.Project{}, []string{"AUTH_SECRET: is the same as AUTH_CLIENT_SECRET"}},
		"old secret, client's":      {oidc, map[string]string{"AUTH_SECRET": longSecret + "x," + longSecret, "AUTH_CLIENT_SECRET": longSecret}, config.Project{}, []string{"AUTH_SECRET: is the same as AUTH_CLIENT_SECRET"}},
		"secret the password":       {oidc, map[string]string{"AUTH_SECRET": longSecret, "username_api": "bot", "password_api": longSecret}, config.Project{}, []string{"AUTH_SECRET: is the same as password_api"}},
		"short one repeated":        {oidc, map[string]string{"AUTH_SECRET": "kX3-vB9_qL2zkX3-vB9_qL2zkX3-vB9_qL2z"}, config.Project{}, []string{"AUTH_SECRET: repeats itself"}},
		"alphabet as a secret":      {oidc, map[string]string{"AUTH_SECRET": "abcdefghijklmnopqrstuvwxyz0123456789"}, config.Project{}, []string{"AUTH_SECRET: is a sequence"}},
		"second secret short":       {login, map[string]string{"AUTH_SECRET": longSecret + ",old"}, config.Project{}, []string{"AUTH_SECRET: is shorter"}},
		"issuer by http":            {oidc, map[string]string{"AUTH_ISSUER_BASE_URL": "http://t.example.com"}, config.Project{}, []string{"AUTH_ISSUER_BASE_URL: must start with https"}},
		"issuer of letters":         {oidc, map[string]string{"AUTH_ISSUER_BASE_URL": "https://münchen.example"}, config.Project{}, []string{"AUTH_ISSUER_BASE_URL", "xn--"}},
		"client id in two":          {oidc, map[string]string{"AUTH_CLIENT_ID": "a\nb"}, config.Project{}, []string{"AUTH_CLIENT_ID: has a control"}},
		"issuer without host":       {oidc, map[string]string{"AUTH_ISSUER_BASE_URL": "https://"}, config.Project{}, []string{"AUTH_ISSUER_BASE_URL"}},
		"misspelt":                  {login, map[string]string{"AUTH_CLIENT_IDS": "x"}, config.Project{}, []string{"AUTH_CLIENT_IDS: unknown variable; did you mean AUTH_CLIENT_ID?"}},
		"misspelt more":             {login, map[string]string{"AUTH_ISSUER_URL": "x"}, config.Project{}, []string{"did you mean AUTH_ISSUER_BASE_URL?"}},
		"lower case":                {login, map[string]string{"auth_secret": "x"}, config.Project{}, []string{"auth_secret: unknown variable; did you mean AUTH_SECRET?"}},
		"other separators":          {login, map[string]string{"AUTH-ALLOWED.EMAILS": "x"}, config.Project{}, []string{"AUTH-ALLOWED.EMAILS: unknown variable; did you mean AUTH_ALLOWED_EMAILS?"}},
		"no separators":             {login, map[string]string{"AUTHSECRET": "x"}, config.Project{}, []string{"AUTHSECRET: unknown variable; did you mean AUTH_SECRET?"}},
		"nothing like ours":         {login, map[string]string{"AUTH_ZZZZZZZZZZZZ": "x"}, config.Project{}, []string{"AUTH_ZZZZZZZZZZZZ: unknown variable"}},
		"allow-list unknown":        {login, map[string]string{"AUTH_ALLOWED_EMAIL": "x"}, config.Project{}, []string{"AUTH_ALLOWED_EMAIL: unknown variable; did you mean AUTH_ALLOWED_EMAILS?"}},
		"mode":                      {login, map[string]string{"AUTH_PASSWORD_MODE": "digest"}, config.Project{}, []string{"AUTH_PASSWORD_MODE"}},
		"audience alone":            {login, map[string]string{"AUTH_PARAMS_AUDIENCE": "x"}, config.Project{}, []string{"AUTH_PARAMS_AUDIENCE"}},
		"base URL with path":        {login, map[string]string{"AUTH_BASE_URL": "https://x/a//b"}, config.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with an escape":   {login, map[string]string{"AUTH_BASE_URL": "https://x/a%2fb"}, config.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with dots":        {login, map[string]string{"AUTH_BASE_URL": "https://x/a/../b"}, config.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with a semicolon": {login, map[string]string{"AUTH_BASE_URL": "https://x/a;b"}, config.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with a query":     {login, map[string]string{"AUTH_BASE_URL": "https://x/a?b"}, config.Project{}, []string{"AUTH_BASE_URL", "must be scheme, host"}},
		"nothing to strip":          {login, map[string]string{"AUTH_BASE_URL": "https://app.example.com/", "AUTH_STRIP_BASE_PATH": "true"}, config.Project{}, []string{"AUTH_STRIP_BASE_PATH: means something only with a path"}},
		"neither yes nor no":        {login, map[string]string{"AUTH_STRIP_BASE_PATH": "maybe"}, config.Project{}, []string{"AUTH_STRIP_BASE_PATH: \"maybe\" is neither true nor false"}},
		"base URL, no port":         {login, map[string]string{"AUTH_BASE_URL": "https://x.example:"}, config.Project{}, []string{"AUTH_BASE_URL", "port"}},
		"base URL, port 0":          {login, map[string]string{"AUTH_BASE_URL": "https://x.example:0"}, config.Project{}, []string{"AUTH_BASE_URL", "port"}},
		"base URL, high port":       {login, map[string]string{"AUTH_BASE_URL": "http://[::1]:65536"}, config.Project{}, []string{"AUTH_BASE_URL", "port"}},
		"base URL, letters":         {login, map[string]string{"AUTH_BASE_URL": "https://ex\u00e4mple.com"}, config.Project{}, []string{"AUTH_BASE_URL", "xn--"}},
		"base URL, quote":           {login, map[string]string{"AUTH_BASE_URL": `https://app"x`}, config.Project{}, []string{"AUTH_BASE_URL", "invalid host name"}},
		"base URL, two":             {login, map[string]string{"AUTH_BASE_URL": "https://a.b,c.d"}, config.Project{}, []string{"AUTH_BASE_URL", "invalid host name"}},
		"prompt alone, short":       {login, map[string]string{"AUTH_PROMPT": "login"}, config.Project{}, []string{"AUTH_PROMPT: unknown variable; did you mean AUTH_PARAMS_PROMPT?"}},
		"scope, short":              {login, map[string]string{"AUTH_SCOPE": "x"}, config.Project{}, []string{"did you mean AUTH_PARAMS_SCOPE?"}},
		"issuer, short":             {login, map[string]string{"AUTH_ISSUER": "x"}, config.Project{}, []string{"did you mean AUTH_ISSUER_BASE_URL?"}},
		"base URL of nothing":       {login, map[string]string{"AUTH_BASE_URL": "app.example.com"}, config.Project{}, []string{"AUTH_BASE_URL"}},
		"redirect":                  {login, map[string]string{"AUTH_POST_LOGOUT_REDIRECT": "javascript:alert(1)"}, config.Project{}, []string{"AUTH_POST_LOGOUT_REDIRECT"}},
		"redirect by slashes":       {login, map[string]string{"AUTH_POST_LOGOUT_REDIRECT": "//evil.example"}, config.Project{}, []string{"AUTH_POST_LOGOUT_REDIRECT"}},
		"prompt alone":              {login, map[string]string{"AUTH_PARAMS_PROMPT": "consent"}, config.Project{}, []string{"AUTH_PARAMS_PROMPT", "AUTH_CLIENT_ID"}},
		"trusts everybody":          {login, map[string]string{"AUTH_TRUSTED_PROXIES": "0.0.0.0/0"}, config.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody"}},
		"trusts both halves":        {login, map[string]string{"AUTH_TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}, config.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody", "IPv4"}},
		"trusts all in pieces":      {login, map[string]string{"AUTH_TRUSTED_PROXIES": "192.0.0.0/2, 10.0.0.0/8, 0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/3, 160.0.0.0/3, fd00::/8"}, config.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody", "IPv4"}},
		"trusts both halves, 6":     {login, map[string]string{"AUTH_TRUSTED_PROXIES": "8000::/1, ::/1"}, config.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody", "IPv6"}},
		"trusts 4 in 6":             {login, map[string]string{"AUTH_TRUSTED_PROXIES": "::ffff:10.0.0.0/104"}, config.Project{}, []string{"AUTH_TRUSTED_PROXIES", "write it as IPv4"}},
		"trusts nonsense":           {login, map[string]string{"AUTH_TRUSTED_PROXIES": "localhost"}, config.Project{}, []string{"AUTH_TRUSTED_PROXIES"}},
		"opens everything":          {login, map[string]string{"AUTH_PUBLIC_PATHS": "/"}, config.Project{}, []string{"AUTH_PUBLIC_PATHS"}},
		"opens our pages":           {login, map[string]string{"AUTH_PUBLIC_PATHS": "/_auth/"}, config.Project{}, []string{`AUTH_PUBLIC_PATHS: "/_auth/" belongs to the login`}},
		"opens one of ours":         {login, map[string]string{"AUTH_PUBLIC_PATHS": "/_auth/login"}, config.Project{}, []string{"AUTH_PUBLIC_PATHS", "belongs"}},
		"opens the log-out":         {login, map[string]string{"AUTH_PUBLIC_PATHS": "/x,/logout"}, config.Project{}, []string{`AUTH_PUBLIC_PATHS: "/logout"`, "belongs"}},
		"opens the callback":        {oidc, map[string]string{"AUTH_PUBLIC_PATHS": "/callback"}, config.Project{}, []string{`AUTH_PUBLIC_PATHS: "/callback"`, "belongs"}},
		"pattern":                   {login, map[string]string{"AUTH_PUBLIC_PATHS": "/a*"}, config.Project{}, []string{"AUTH_PUBLIC_PATHS"}},
		"dot segments":              {login, map[string]string{"AUTH_PUBLIC_PATHS": "/a/../b"}, config.Project{}, []string{"AUTH_PUBLIC_PATHS"}},
		"path without slash":        {login, map[string]string{"AUTH_API_PATH": "api"}, config.Project{}, []string{"AUTH_API_PATH"}},
		"same paths":                {login, map[string]string{"AUTH_API_PATH": "/Analytics"}, config.Project{}, []string{"AUTH_ANALYTICS_PATH"}},
		"duration":                  {login, map[string]string{"AUTH_SESSION_IDLE": "5"}, config.Project{}, []string{"AUTH_SESSION_IDLE"}},
		"all at once": {nil, map[string]string{"AUTH_SESSION_IDLE": "x", "AUTH_BASE": "x", "username_api": "u", "AUTH_PASSWORD_MODE": "y"}, config.Project{},
			[]string{"AUTH_SESSION_IDLE", "AUTH_BASE", "password_api", "AUTH_PASSWORD_MODE"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := maps.Clone(tc.base)
			if vars == nil {
				vars = map[string]string{}
			}
			maps.Copy(vars, tc.vars)
			s := from(vars)
			s.Project = tc.project
			_, err := config.From(s)
			var all *config.Error
			if !errors.As(err, &all) {
				t.Fatalf("err = %v, want a *Error", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in\n%v", want, err)
				}
			}
			for _, value := range vars {
				if len(value) > 20 && strings.Contains(err.Error(), value) {
					t.Errorf("a value is in\n%v", err)
				}
			}
		})
	}
}

func TestConfigFromNothingIsUnprotected(t *testing.T) {
	t.Parallel()
	s := from(nil)
	if _, err := config.From(s); !errors.Is(err, config.ErrUnprotected) {
		t.Errorf("err = %v", err)
	}
	s.Public = true
	if c, err := config.From(s); err != nil || !c.Open() {
		t.Errorf("config %+v, error %v; want an open one", c, err)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords[config.API] = config.Login{Username: "bot", Password: "canary"}
	c.PublicPaths = []string{"/health", "/static/"}
	var lines []string
	for _, rule := range c.Rules() {
		lines = append(lines, rule.String())
	}
	want := []string{"/health: open to everybody", "/static/ and below: open to everybody",
		"/api and below: password (user bot)", "everything else: password (user ann)"}
	if !slices.Equal(lines, want) {
		t.Errorf("rules %q, want %q", lines, want)
	}
	if got := fmt.Sprint(config.Config{Public: true}.Rules()); got != "[everything: open to everybody]" {
		t.Errorf("rules %s", got)
	}
}

func TestConfigShowsNoSecret(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords[config.MainApp] = config.Login{Username: "ann", Password: "canary"}
	c.Secrets = []config.Secret{"canary"}
	c.Providers = []config.Provider{{ClientSecret: "canary"}}
	c.BaseURL = &url.URL{Scheme: "https", Host: "x"}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %v", c, c, c, c.Providers[0])
	_ = json.NewEncoder(&out).Encode(c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("config", "c", c)
	if strings.Contains(out.String(), "canary") {
		t.Errorf("a secret is shown: %s", out.String())
	}
}
