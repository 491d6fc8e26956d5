package upcmd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

const (
	auth0 = "AUTH_CLIENT_ID=deployed\nAUTH_CLIENT_SECRET=CANARY-secret\nAUTH_ISSUER_BASE_URL=https://tenant.example.com\n" +
		"AUTH_SECRET=q7Zr2mXw9KfT4vLc8NpYb1HsJ6dGu3Ea\n"
	several = "AUTH_PROVIDERS=google,my-entra\nAUTH_GOOGLE_CLIENT_ID=g\nAUTH_GOOGLE_CLIENT_SECRET=CANARY-secret\n" +
		"AUTH_GOOGLE_ISSUER_BASE_URL=https://accounts.example.com\nAUTH_MY_ENTRA_CLIENT_ID=e\nAUTH_MY_ENTRA_CLIENT_SECRET=CANARY-secret\n" +
		"AUTH_MY_ENTRA_ISSUER_BASE_URL=https://entra.example.com\nAUTH_SECRET=q7Zr2mXw9KfT4vLc8NpYb1HsJ6dGu3Ea\n"
)

// Where the callback is, whatever the project says about its deployment.
func TestBase(t *testing.T) {
	t.Parallel()
	const local = "http://127.0.0.1:8080"
	for name, tc := range map[string]struct {
		configured, flag, want string
		says                   string
	}{
		"nothing said":                 {want: local},
		"the deployed app's":           {configured: "https://app.example.com", want: local, says: "AUTH_BASE_URL=https://app.example.com is not this machine"},
		"another name of this machine": {configured: "http://localhost:8080/", want: "http://localhost:8080/"},
		"a name of its own":            {configured: "http://demo.localhost:8080", want: "http://demo.localhost:8080"},
		"IPv6":                         {configured: "http://[::1]:8080", want: "http://[::1]:8080"},
		"another port":                 {configured: "http://localhost:3000", want: local, says: "localhost:3000 is not this machine"},
		"the usual port":               {configured: "http://localhost", want: local, says: "is not this machine"},
		"a name that looks like it":    {configured: "http://localhost.example.com:8080", want: local, says: "is not this machine"},
		"the flag":                     {flag: "https://tunnel.example.com", want: "https://tunnel.example.com"},
		"the flag wins":                {configured: "http://localhost:8080", flag: "https://tunnel.example.com", want: "https://tunnel.example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, nil)
			o := options(t, d)
			o.BaseURL = tc.flag
			var configured *url.URL
			if tc.configured != "" {
				var err error
				if configured, err = url.Parse(tc.configured); err != nil {
					t.Fatal(err)
				}
			}
			here, err := url.Parse(local)
			if err != nil {
				t.Fatal(err)
			}
			got, err := o.base(configured, here)
			said := d.Said(err)
			if err != nil || got.String() != tc.want || !strings.Contains(said, tc.says) || tc.says == "" && said != "" {
				t.Errorf("%s, %v, says %q; want %s, %q", got, err, said, tc.want, tc.says)
			}
		})
	}
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	for after, want := range map[string][]string{
		"":                         {"http://127.0.0.1:8080/status"},
		"/bye":                     {"http://127.0.0.1:8080/status", "http://127.0.0.1:8080/bye"},
		"https://example.com/bye?": {"http://127.0.0.1:8080/status", "https://example.com/bye?"},
	} {
		l := login{config: config.Config{BaseURL: &url.URL{Scheme: "http", Host: "127.0.0.1:8080", Path: "/"}, PostLogoutRedirect: after}}
		if r := l.registration(); !slices.Equal(r.Callbacks, []string{"http://127.0.0.1:8080/callback"}) || !slices.Equal(r.Logouts, want) {
			t.Errorf("%q: %+v, want %q", after, r, want)
		}
	}
}

// The development login takes the place of whatever a project has, and of nothing else.
func TestDevSource(t *testing.T) {
	t.Parallel()
	const guarded = `{"id": "d", "type": "flask", "authentication": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`
	for name, tc := range map[string]struct {
		config, env string
		check       func(t *testing.T, c config.Config)
		says        string // but for the warning that is always there
	}{
		"no login":                       {},
		"auth0":                          {config: `{"id": "d", "type": "flask", "template": "node-auth0"}`, env: auth0},
		"auth0, nothing filled":          {config: `{"id": "d", "type": "flask", "template": "node-auth0"}`},
		"half of it":                     {env: "AUTH_CLIENT_ID=x\n"},
		"several":                        {env: several},
		"a password":                     {env: "username_main_app=ann\npassword_main_app=CANARY-word\n", says: "development login replaces it"},
		"a password that is referred to": {config: guarded, env: "U=ann\nP=CANARY-word\n", says: "development login replaces it"},
		"a reference to nothing":         {config: guarded, says: "development login replaces it"},
		"an API": {env: "username_api=ann\npassword_api=CANARY-word\n", check: func(t *testing.T, c config.Config) {
			if c.Passwords[config.API].Username != "ann" {
				t.Errorf("%+v", c.Passwords)
			}
		}},
		"access rules, audience and scope": {env: "AUTH_ALLOWED_DOMAINS=example.com\nAUTH_PARAMS_AUDIENCE=api\nAUTH_PARAMS_SCOPE=openid email\n",
			check: func(t *testing.T, c config.Config) {
				if !slices.Equal(c.Access.Domains, []string{"example.com"}) || c.Providers[0].Audience != "api" || c.Providers[0].Scope != "openid email" {
					t.Errorf("%+v", c)
				}
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"app.py": "import flask"}
			for name, content := range map[string]string{"ploomber-cloud.json": tc.config, ".env": tc.env} {
				if content != "" {
					files[name] = content
				}
			}
			d := cmdtest.New(t, files)
			o := options(t, d)
			o.DevLogin, o.DevUsers = true, []string{"ada@example.com,admins"}
			c, err := o.config()
			if err != nil {
				t.Fatal(err)
			}
			env, err := o.Folder.Env()
			if err != nil {
				t.Fatal(err)
			}
			vars := map[string]string{}
			l, err := o.login(t.Context(), env, c, vars, nil)
			said := d.Said(err)
			if err != nil {
				t.Fatal(said)
			}
			defer l.close()
			got := l.config
			if len(got.Providers) != 1 || got.Providers[0].Issuer != l.dev.Issuer() || got.Providers[0].ClientID != l.dev.ClientID() ||
				got.Providers[0].ClientSecret.Reveal() != l.dev.ClientSecret() || len(got.Secrets) != 1 {
				t.Errorf("%+v", got.Providers)
			}
			if _, asks := got.Passwords[config.MainApp]; asks || vars["AUTH_ISSUER_BASE_URL"] != l.dev.Issuer() || vars["AUTH_SECRET"] != "" {
				t.Errorf("%+v, %v", got.Passwords, vars)
			}
			if !strings.Contains(said, "DEVELOPMENT LOGIN") || !strings.Contains(said, tc.says) || strings.Contains(said, "CANARY") ||
				strings.Contains(said, l.dev.ClientSecret()) || tc.says == "" && strings.Contains(said, "development login replaces it") {
				t.Errorf("says %q", said)
			}
			if tc.check != nil {
				tc.check(t, got)
			}
		})
	}
}

// A mistake elsewhere is still one.
func TestDevSourceRefuses(t *testing.T) {
	t.Parallel()
	for env, says := range map[string]string{
		"AUTH_SECRET=short\n":      "AUTH_SECRET",
		"AUTH_CLIENT_IDD=x\n":      "AUTH_CLIENT_IDD",
		"username_api=ann\n":       "password_api",
		"AUTH_PUBLIC_PATHS=*.js\n": "AUTH_PUBLIC_PATHS",
	} {
		d := cmdtest.New(t, map[string]string{"app.py": "import flask", ".env": env})
		o := options(t, d)
		o.DevLogin = true
		err := o.Run(t.Context(), func(context.Context, Served) error { t.Error("it is served"); return nil })
		if said := d.Said(err); failure.Code(err) != failure.Failed || !strings.Contains(said, says) {
			t.Errorf("%q: says %q", env, said)
		}
	}
}

// client is a browser without scripts.
type client struct {
	t    *testing.T
	http *http.Client
	at   string // the address of the last page
}

func newClient(t *testing.T) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, http: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (v *client) do(method, address string, form url.Values) (status int, body string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header = http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "X-Auth-Name": {"mallory@example.com"}}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	reply, err := v.http.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = reply.Body.Close() }()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	v.at = reply.Request.URL.String()
	return reply.StatusCode, string(text)
}

// testDevLogin goes the whole way: app, provider, app as someone, log-out.
func testDevLogin(t *testing.T, cache string) {
	t.Helper()
	d := cmdtest.New(t, map[string]string{
		"app.py": miniature, "requirements.txt": "", "ploomber-cloud.json": `{"id": "d", "type": "flask", "template": "node-auth0"}`,
		".env": "GREETING=hello\nAUTH_BASE_URL=https://app.example.com\n",
	})
	before := d.Files()
	o := miniatureOptions(t, d, cache)
	o.DevLogin = true
	issuer := ""
	err := o.Run(t.Context(), func(_ context.Context, s Served) error {
		if s.DevLogin == nil || s.Registration != nil || !slices.Equal(s.DevLogin.Users, []string{"ada@example.com", "grace@example.com"}) || !strings.HasPrefix(s.URL, "http://127.0.0.1:") {
			t.Fatalf("%+v", s)
		}
		issuer = s.DevLogin.Issuer
		v := newClient(t)
		_, page := v.do(http.MethodGet, s.URL+"/deep?x=1", nil)
		id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(page)
		if !strings.HasPrefix(v.at, issuer) || id == nil || strings.Contains(page, "hello") {
			t.Fatalf("at %s: %s", v.at, page)
		}
		if status, body := v.do(http.MethodPost, issuer+"/dev-login/choose", url.Values{"id": {id[1]}, "email": {"grace@example.com"}}); status != http.StatusOK || body != "hello grace@example.com" || v.at != s.URL+"/deep?x=1" {
			t.Errorf("at %s: %d %s", v.at, status, body)
		}
		if _, body := v.do(http.MethodGet, s.URL+"/logout", nil); v.at != s.URL+"/status" || !strings.Contains(body, "logged out") {
			t.Errorf("at %s: %s", v.at, body)
		}
		if _, body := v.do(http.MethodGet, s.URL, nil); !strings.HasPrefix(v.at, issuer) || strings.Contains(body, "hello") {
			t.Errorf("at %s: %s", v.at, body)
		}
		return nil
	})
	if err != nil || issuer == "" {
		t.Fatalf("%v\n%s", err, d.Said(nil))
	}
	if after := d.Files(); !slices.Equal(after, before) {
		t.Errorf("the folder holds %q, held %q", after, before)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, issuer, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if reply, err := http.DefaultClient.Do(r); err == nil {
		_ = reply.Body.Close()
		t.Error("the provider outlives the run")
	}
}

// testRules tries who may come in: the user's groups reach the rules of the project.
func testRules(t *testing.T, cache string) {
	t.Helper()
	d := cmdtest.New(t, map[string]string{
		"app.py": miniature, "requirements.txt": "", "ploomber-cloud.json": `{"id": "d", "type": "flask"}`,
		".env": "GREETING=hello\nAUTH_ALLOWED_GROUPS=staff\nAUTH_ALLOWED_DOMAINS=example.com\n",
	})
	o := miniatureOptions(t, d, cache)
	o.DevLogin, o.DevUsers = true, []string{"ada@example.com,admins,staff", "grace@example.com,guests", "eve@example.org,staff"}
	err := o.Run(t.Context(), func(_ context.Context, s Served) error {
		for email, want := range map[string]int{"ada@example.com": http.StatusOK, "grace@example.com": http.StatusForbidden, "eve@example.org": http.StatusForbidden, "kurt@example.com": http.StatusForbidden} {
			v := newClient(t)
			_, page := v.do(http.MethodGet, s.URL, nil)
			id := regexp.MustCompile(`name="id" value="([^"]+)"`).FindStringSubmatch(page)
			if id == nil {
				t.Fatalf("at %s: %s", v.at, page)
			}
			status, body := v.do(http.MethodPost, s.DevLogin.Issuer+"/dev-login/choose", url.Values{"id": {id[1]}, "email": {email}})
			if status != want || (body == "hello "+email) != (want == http.StatusOK) {
				t.Errorf("%s at %s: %d %s", email, v.at, status, body)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(d.Said(err))
	}
}

// testTellsWhatToRegister serves a project whose provider cannot be reached.
func testTellsWhatToRegister(t *testing.T, cache string) {
	t.Helper()
	d := cmdtest.New(t, map[string]string{
		"app.py": miniature, "requirements.txt": "", "ploomber-cloud.json": `{"id": "d", "type": "flask", "template": "node-auth0"}`,
		".env": "GREETING=hello\n" + strings.Replace(auth0, "https://tenant.example.com", "http://127.0.0.1:1", 1),
	})
	o := miniatureOptions(t, d, cache)
	ctx, cancel := context.WithCancel(t.Context())
	o.Open = true
	at := ""
	o.Browse = func(_ context.Context, url string) error { at = url; cancel(); return errors.New("no browser") }
	err := o.Run(ctx, nil)
	said := d.Said(err)
	for _, want := range []string{"users cannot log in yet", at + "/callback", at + "/status", "login at http://127.0.0.1:1"} {
		if at == "" || !strings.Contains(said, want) {
			t.Errorf("says %q, lacks %q", said, want)
		}
	}
	if strings.Contains(said, "CANARY") {
		t.Errorf("shows the secret: %q", said)
	}
}
