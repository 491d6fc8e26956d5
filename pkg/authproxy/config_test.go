package authproxy_test

import (
	"bytes"
	"crypto/rand"
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

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
)

// from makes a Source of variables.
func from(vars map[string]string) authproxy.Source {
	return authproxy.Source{
		Lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		Names:  slices.Collect(maps.Keys(vars)),
		ReadFile: func(string) ([]byte, error) {
			return []byte("zoë:$2y$04$FQiFaVIpNlAgPoqnK8hw8OvurtiSYJd9LW.YGb6zQhl2TrsYQgrdu\n"), nil
		},
	}
}

const longSecret = "kX3-vB9_qL2zR7wT5yU8iO1pA4sD6fG0hJ" // random enough, and used nowhere

func TestConfigFrom(t *testing.T) {
	t.Parallel()
	c, err := authproxy.ConfigFrom(from(map[string]string{
		"username_main_app": "ann", "password_main_app": " pw with spaces ",
		"username_api": "a:b", "password_api": "x",
		"AUTH_PASSWORD_MODE": "Basic", "AUTH_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.7", "AUTH_PUBLIC_PATHS": "/health,/static/",
		"AUTH_SESSION_IDLE": "90m", "AUTH_BASE_URL": "https://app.example.com", "AUTH_SECRET": longSecret + "," + longSecret + "old",
		"AUTH_POST_LOGOUT_REDIRECT": "https://example.com/bye", "PATH": "/bin", "UNRELATED": "x",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Passwords[authproxy.MainApp]; got.Username != "ann" || got.Password.Reveal() != " pw with spaces " {
		t.Errorf("main app %q %q", got.Username, got.Password.Reveal())
	}
	if got := c.Passwords[authproxy.API]; got.Username != "a:b" {
		t.Errorf("api %q", got.Username)
	}
	if c.PasswordMode != authproxy.ModeBasic || len(c.TrustedProxies) != 2 || c.TrustedProxies[1].String() != "192.0.2.7/32" ||
		c.SessionIdle != 90*time.Minute || c.SessionLifetime != authproxy.DefaultSessionLifetime || len(c.Secrets) != 2 ||
		c.BaseURL.Host != "app.example.com" || c.APIPath != "/api" || len(c.PublicPaths) != 2 || len(c.Providers) != 0 {
		t.Errorf("config %+v", c)
	}
}

func TestConfigFromProject(t *testing.T) {
	t.Parallel()
	s := from(map[string]string{"MY_USER": "ann", "MY_PASSWORD": "pw"})
	s.Project.Logins = map[authproxy.Feature]authproxy.LoginRef{
		authproxy.MainApp:   {Username: authproxy.Value{Variable: "MY_USER"}, Password: authproxy.Value{Variable: "MY_PASSWORD"}},
		authproxy.Analytics: {Username: authproxy.Value{Literal: "eve"}, Password: authproxy.Value{Literal: "literal"}},
	}
	c, err := authproxy.ConfigFrom(s)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Passwords[authproxy.MainApp]; got.Username != "ann" || got.Password.Reveal() != "pw" {
		t.Errorf("by reference: %q %q", got.Username, got.Password.Reveal())
	}
	if got := c.Passwords[authproxy.Analytics]; got.Username != "eve" || got.Password.Reveal() != "literal" {
		t.Errorf("literal: %q %q", got.Username, got.Password.Reveal())
	}
}

func TestConfigFromOIDC(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"AUTH_CLIENT_ID": "id", "AUTH_CLIENT_SECRET": "cs", "AUTH_ISSUER_BASE_URL": "tenant.example.com",
		"AUTH_SECRET": longSecret}
	c, err := authproxy.ConfigFrom(from(vars))
	if err != nil {
		t.Fatal(err)
	}
	if c.Providers[0].Issuer != "https://tenant.example.com" || c.Providers[0].Scope != authproxy.DefaultScope {
		t.Errorf("%+v", c.Providers)
	}
	vars["username_api"], vars["password_api"] = "bot", "pw"
	if _, err := authproxy.ConfigFrom(from(vars)); err != nil {
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
		project    authproxy.Project
		want       []string // each in the message
	}{
		"nothing":                     {nil, nil, authproxy.Project{}, []string{"nothing protects the app"}},
		"only a secret":               {nil, map[string]string{"AUTH_SECRET": longSecret}, authproxy.Project{}, []string{"nothing protects the app"}},
		"half a login":                {nil, map[string]string{"username_main_app": "ann"}, authproxy.Project{}, []string{"password_main_app: is missing"}},
		"other half":                  {login, map[string]string{"password_api": "x"}, authproxy.Project{}, []string{"username_api: is missing"}},
		"empty login":                 {nil, map[string]string{"username_main_app": "", "password_main_app": ""}, authproxy.Project{}, []string{"username_main_app", "password_main_app"}},
		"control character in a name": {nil, map[string]string{"username_main_app": "a\nb", "password_main_app": "x"}, authproxy.Project{}, []string{"username_main_app: has a control"}},
		"name not UTF-8":              {nil, map[string]string{"username_main_app": "a\xff", "password_main_app": "x"}, authproxy.Project{}, []string{"username_main_app: is not UTF-8"}},
		"half a provider":             {nil, map[string]string{"AUTH_CLIENT_ID": "id"}, authproxy.Project{}, []string{"AUTH_CLIENT_SECRET", "AUTH_ISSUER_BASE_URL", "AUTH_SECRET"}},
		"empty provider":              {nil, map[string]string{"AUTH_CLIENT_ID": ""}, authproxy.Project{}, []string{"AUTH_CLIENT_ID"}},
		"template without a provider": {nil, nil, authproxy.Project{Template: "node-auth0"}, []string{"AUTH_CLIENT_ID", "AUTH_ISSUER_BASE_URL"}},
		"reference to nothing": {nil, nil, authproxy.Project{Logins: map[authproxy.Feature]authproxy.LoginRef{authproxy.MainApp: {
			Username: authproxy.Value{Variable: "U"}, Password: authproxy.Value{Variable: "password_main_app"}}}},
			[]string{"U: is missing", "password_main_app: is missing"}},
		"unknown feature":           {login, nil, authproxy.Project{Logins: map[authproxy.Feature]authproxy.LoginRef{"admin": {}}}, []string{"admin: no such feature"}},
		"password and provider":     {oidc, login, authproxy.Project{}, []string{"has a password and a provider"}},
		"short secret":              {oidc, map[string]string{"AUTH_SECRET": "short"}, authproxy.Project{}, []string{"AUTH_SECRET: is shorter"}},
		"repetitive secret":         {oidc, map[string]string{"AUTH_SECRET": strings.Repeat("ab", 20)}, authproxy.Project{}, []string{"AUTH_SECRET: repeats"}},
		"placeholder secret":        {oidc, map[string]string{"AUTH_SECRET": "a-long-random-string-to-be-replaced"}, authproxy.Project{}, []string{"AUTH_SECRET: is a placeholder"}},
		"placeholder, printed":      {oidc, map[string]string{"AUTH_SECRET": "LONG_RANDOM_VALUE_0123456789abcdef"}, authproxy.Project{}, []string{"AUTH_SECRET: is a placeholder"}},
		"secret again and again":    {oidc, map[string]string{"AUTH_SECRET": "passwordpasswordpasswordpassword1"}, authproxy.Project{}, []string{"AUTH_SECRET: repeats itself"}},
		"secret in between":         {oidc, map[string]string{"AUTH_SECRET": "1-letmein2letmein2letmein2letmein2!"}, authproxy.Project{}, []string{"AUTH_SECRET: repeats itself"}},
		"secret of the client":      {oidc, map[string]string{"AUTH_SECRET": longSecret, "AUTH_CLIENT_SECRET": longSecret}, authproxy.Project{}, []string{"AUTH_SECRET: is the same as AUTH_CLIENT_SECRET"}},
		"old secret, client's":      {oidc, map[string]string{"AUTH_SECRET": longSecret + "x," + longSecret, "AUTH_CLIENT_SECRET": longSecret}, authproxy.Project{}, []string{"AUTH_SECRET: is the same as AUTH_CLIENT_SECRET"}},
		"secret the password":       {oidc, map[string]string{"AUTH_SECRET": longSecret, "username_api": "bot", "password_api": longSecret}, authproxy.Project{}, []string{"AUTH_SECRET: is the same as password_api"}},
		"short one repeated":        {oidc, map[string]string{"AUTH_SECRET": "kX3-vB9_qL2zkX3-vB9_qL2zkX3-vB9_qL2z"}, authproxy.Project{}, []string{"AUTH_SECRET: repeats itself"}},
		"alphabet as a secret":      {oidc, map[string]string{"AUTH_SECRET": "abcdefghijklmnopqrstuvwxyz0123456789"}, authproxy.Project{}, []string{"AUTH_SECRET: is a row"}},
		"second secret short":       {login, map[string]string{"AUTH_SECRET": longSecret + ",old"}, authproxy.Project{}, []string{"AUTH_SECRET: is shorter"}},
		"issuer by http":            {oidc, map[string]string{"AUTH_ISSUER_BASE_URL": "http://t.example.com"}, authproxy.Project{}, []string{"AUTH_ISSUER_BASE_URL: must start with https"}},
		"issuer of letters":         {oidc, map[string]string{"AUTH_ISSUER_BASE_URL": "https://münchen.example"}, authproxy.Project{}, []string{"AUTH_ISSUER_BASE_URL", "xn--"}},
		"client id in two":          {oidc, map[string]string{"AUTH_CLIENT_ID": "a\nb"}, authproxy.Project{}, []string{"AUTH_CLIENT_ID: has a control"}},
		"issuer without host":       {oidc, map[string]string{"AUTH_ISSUER_BASE_URL": "https://"}, authproxy.Project{}, []string{"AUTH_ISSUER_BASE_URL"}},
		"misspelt":                  {login, map[string]string{"AUTH_CLIENT_IDS": "x"}, authproxy.Project{}, []string{"AUTH_CLIENT_IDS: unknown variable; did you mean AUTH_CLIENT_ID?"}},
		"misspelt more":             {login, map[string]string{"AUTH_ISSUER_URL": "x"}, authproxy.Project{}, []string{"did you mean AUTH_ISSUER_BASE_URL?"}},
		"lower case":                {login, map[string]string{"auth_secret": "x"}, authproxy.Project{}, []string{"auth_secret: unknown variable; did you mean AUTH_SECRET?"}},
		"other separators":          {login, map[string]string{"AUTH-ALLOWED.EMAILS": "x"}, authproxy.Project{}, []string{"AUTH-ALLOWED.EMAILS: unknown variable; did you mean AUTH_ALLOWED_EMAILS?"}},
		"no separators":             {login, map[string]string{"AUTHSECRET": "x"}, authproxy.Project{}, []string{"AUTHSECRET: unknown variable; did you mean AUTH_SECRET?"}},
		"nothing like ours":         {login, map[string]string{"AUTH_ZZZZZZZZZZZZ": "x"}, authproxy.Project{}, []string{"AUTH_ZZZZZZZZZZZZ: unknown variable"}},
		"allow-list unknown":        {login, map[string]string{"AUTH_ALLOWED_EMAIL": "x"}, authproxy.Project{}, []string{"AUTH_ALLOWED_EMAIL: unknown variable; did you mean AUTH_ALLOWED_EMAILS?"}},
		"mode":                      {login, map[string]string{"AUTH_PASSWORD_MODE": "digest"}, authproxy.Project{}, []string{"AUTH_PASSWORD_MODE"}},
		"audience alone":            {login, map[string]string{"AUTH_PARAMS_AUDIENCE": "x"}, authproxy.Project{}, []string{"AUTH_PARAMS_AUDIENCE"}},
		"base URL with path":        {login, map[string]string{"AUTH_BASE_URL": "https://x/a//b"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with an escape":   {login, map[string]string{"AUTH_BASE_URL": "https://x/a%2fb"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with dots":        {login, map[string]string{"AUTH_BASE_URL": "https://x/a/../b"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with a semicolon": {login, map[string]string{"AUTH_BASE_URL": "https://x/a;b"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "has a path that is not made of"}},
		"base URL with a query":     {login, map[string]string{"AUTH_BASE_URL": "https://x/a?b"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "must be scheme, host"}},
		"nothing to strip":          {login, map[string]string{"AUTH_BASE_URL": "https://app.example.com/", "AUTH_STRIP_BASE_PATH": "true"}, authproxy.Project{}, []string{"AUTH_STRIP_BASE_PATH: means something only with a path"}},
		"neither yes nor no":        {login, map[string]string{"AUTH_STRIP_BASE_PATH": "maybe"}, authproxy.Project{}, []string{"AUTH_STRIP_BASE_PATH: \"maybe\" is neither true nor false"}},
		"base URL, no port":         {login, map[string]string{"AUTH_BASE_URL": "https://x.example:"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "port"}},
		"base URL, port 0":          {login, map[string]string{"AUTH_BASE_URL": "https://x.example:0"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "port"}},
		"base URL, high port":       {login, map[string]string{"AUTH_BASE_URL": "http://[::1]:65536"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "port"}},
		"base URL, letters":         {login, map[string]string{"AUTH_BASE_URL": "https://ex\u00e4mple.com"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "xn--"}},
		"base URL, quote":           {login, map[string]string{"AUTH_BASE_URL": `https://app"x`}, authproxy.Project{}, []string{"AUTH_BASE_URL", "invalid host name"}},
		"base URL, two":             {login, map[string]string{"AUTH_BASE_URL": "https://a.b,c.d"}, authproxy.Project{}, []string{"AUTH_BASE_URL", "invalid host name"}},
		"prompt alone, short":       {login, map[string]string{"AUTH_PROMPT": "login"}, authproxy.Project{}, []string{"AUTH_PROMPT: unknown variable; did you mean AUTH_PARAMS_PROMPT?"}},
		"scope, short":              {login, map[string]string{"AUTH_SCOPE": "x"}, authproxy.Project{}, []string{"did you mean AUTH_PARAMS_SCOPE?"}},
		"issuer, short":             {login, map[string]string{"AUTH_ISSUER": "x"}, authproxy.Project{}, []string{"did you mean AUTH_ISSUER_BASE_URL?"}},
		"base URL of nothing":       {login, map[string]string{"AUTH_BASE_URL": "app.example.com"}, authproxy.Project{}, []string{"AUTH_BASE_URL"}},
		"redirect":                  {login, map[string]string{"AUTH_POST_LOGOUT_REDIRECT": "javascript:alert(1)"}, authproxy.Project{}, []string{"AUTH_POST_LOGOUT_REDIRECT"}},
		"redirect by slashes":       {login, map[string]string{"AUTH_POST_LOGOUT_REDIRECT": "//evil.example"}, authproxy.Project{}, []string{"AUTH_POST_LOGOUT_REDIRECT"}},
		"prompt alone":              {login, map[string]string{"AUTH_PARAMS_PROMPT": "consent"}, authproxy.Project{}, []string{"AUTH_PARAMS_PROMPT", "AUTH_CLIENT_ID"}},
		"trusts everybody":          {login, map[string]string{"AUTH_TRUSTED_PROXIES": "0.0.0.0/0"}, authproxy.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody"}},
		"trusts both halves":        {login, map[string]string{"AUTH_TRUSTED_PROXIES": "0.0.0.0/1,128.0.0.0/1"}, authproxy.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody", "IPv4"}},
		"trusts all in pieces":      {login, map[string]string{"AUTH_TRUSTED_PROXIES": "192.0.0.0/2, 10.0.0.0/8, 0.0.0.0/2, 64.0.0.0/2, 128.0.0.0/3, 160.0.0.0/3, fd00::/8"}, authproxy.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody", "IPv4"}},
		"trusts both halves, 6":     {login, map[string]string{"AUTH_TRUSTED_PROXIES": "8000::/1, ::/1"}, authproxy.Project{}, []string{"AUTH_TRUSTED_PROXIES", "trusts everybody", "IPv6"}},
		"trusts 4 in 6":             {login, map[string]string{"AUTH_TRUSTED_PROXIES": "::ffff:10.0.0.0/104"}, authproxy.Project{}, []string{"AUTH_TRUSTED_PROXIES", "write it as IPv4"}},
		"trusts nonsense":           {login, map[string]string{"AUTH_TRUSTED_PROXIES": "localhost"}, authproxy.Project{}, []string{"AUTH_TRUSTED_PROXIES"}},
		"opens everything":          {login, map[string]string{"AUTH_PUBLIC_PATHS": "/"}, authproxy.Project{}, []string{"AUTH_PUBLIC_PATHS"}},
		"opens our pages":           {login, map[string]string{"AUTH_PUBLIC_PATHS": "/_auth/"}, authproxy.Project{}, []string{`AUTH_PUBLIC_PATHS: "/_auth/" belongs to the login`}},
		"opens one of ours":         {login, map[string]string{"AUTH_PUBLIC_PATHS": "/_auth/login"}, authproxy.Project{}, []string{"AUTH_PUBLIC_PATHS", "belongs"}},
		"opens the log-out":         {login, map[string]string{"AUTH_PUBLIC_PATHS": "/x,/logout"}, authproxy.Project{}, []string{`AUTH_PUBLIC_PATHS: "/logout"`, "belongs"}},
		"opens the callback":        {oidc, map[string]string{"AUTH_PUBLIC_PATHS": "/callback"}, authproxy.Project{}, []string{`AUTH_PUBLIC_PATHS: "/callback"`, "belongs"}},
		"pattern":                   {login, map[string]string{"AUTH_PUBLIC_PATHS": "/a*"}, authproxy.Project{}, []string{"AUTH_PUBLIC_PATHS"}},
		"dot segments":              {login, map[string]string{"AUTH_PUBLIC_PATHS": "/a/../b"}, authproxy.Project{}, []string{"AUTH_PUBLIC_PATHS"}},
		"path without slash":        {login, map[string]string{"AUTH_API_PATH": "api"}, authproxy.Project{}, []string{"AUTH_API_PATH"}},
		"same paths":                {login, map[string]string{"AUTH_API_PATH": "/Analytics"}, authproxy.Project{}, []string{"AUTH_ANALYTICS_PATH"}},
		"duration":                  {login, map[string]string{"AUTH_SESSION_IDLE": "5"}, authproxy.Project{}, []string{"AUTH_SESSION_IDLE"}},
		"all at once": {nil, map[string]string{"AUTH_SESSION_IDLE": "x", "AUTH_BASE": "x", "username_api": "u", "AUTH_PASSWORD_MODE": "y"}, authproxy.Project{},
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
			_, err := authproxy.ConfigFrom(s)
			var all *authproxy.ConfigError
			if !errors.As(err, &all) {
				t.Fatalf("err = %v, want a *ConfigError", err)
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
	if _, err := authproxy.ConfigFrom(s); !errors.Is(err, authproxy.ErrUnprotected) {
		t.Errorf("err = %v", err)
	}
	s.Public = true
	c, err := authproxy.ConfigFrom(s)
	if err != nil {
		t.Fatal(err)
	}
	wantApp(t, newWorld(t, c, nil).browser().get("/"))
}

// Saying that an app is public takes no protection away that is there.
func TestPublicKeepsProtection(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Public = true
	wantCode(t, newWorld(t, c, nil).browser().get("/"), 401)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	o := authproxy.Options{Now: time.Now, Random: rand.Reader, BcryptCost: 4}
	oidc := authproxy.Config{Secrets: []authproxy.Secret{longSecret},
		Providers: []authproxy.Provider{{Issuer: "https://t.example.com", ClientID: "id", ClientSecret: "cs"}}}
	for name, tc := range map[string]struct {
		config authproxy.Config
		change func(*authproxy.Options)
		want   error // nil: any
	}{
		"nothing":  {authproxy.Config{}, nil, authproxy.ErrUnprotected},
		"no place": {oidc, nil, nil}, // for the provider to send people back to
		"no clock": {mainApp(), func(o *authproxy.Options) { o.Now = nil }, nil},
		"no dice":  {mainApp(), func(o *authproxy.Options) { o.Random = nil }, nil},
		"suffix":   {mainApp(), func(o *authproxy.Options) { o.CookieSuffix = "a;b" }, nil},
		"upstream": {mainApp(), func(o *authproxy.Options) { o.Upstream = "nowhere" }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := o
			if tc.change != nil {
				tc.change(&o)
			}
			p, err := authproxy.New(tc.config, o)
			if err == nil || p != nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("New = %v, %v; want %v", p, err, tc.want)
			}
		})
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords[authproxy.API] = authproxy.Login{Username: "bot", Password: "canary"}
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
	if got := fmt.Sprint(authproxy.Config{Public: true}.Rules()); got != "[everything: open to everybody]" {
		t.Errorf("rules %s", got)
	}
}

func TestConfigShowsNoSecret(t *testing.T) {
	t.Parallel()
	c := mainApp()
	c.Passwords[authproxy.MainApp] = authproxy.Login{Username: "ann", Password: "canary"}
	c.Secrets = []authproxy.Secret{"canary"}
	c.Providers = []authproxy.Provider{{ClientSecret: "canary"}}
	c.BaseURL = &url.URL{Scheme: "https", Host: "x"}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%v %+v %#v %v", c, c, c, c.Providers[0])
	_ = json.NewEncoder(&out).Encode(c)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("config", "c", c)
	if strings.Contains(out.String(), "canary") {
		t.Errorf("a secret is shown: %s", out.String())
	}
}
