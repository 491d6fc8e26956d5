package export_test

import (
	"errors"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

const (
	user = "ann"
	pass = "correct horse"
)

func logins(names ...config.Feature) map[config.Feature]config.Login {
	all := map[config.Feature]config.Login{}
	for _, name := range names {
		all[name] = config.Login{Username: user, Password: pass}
	}
	return all
}

func options(dir string) export.NginxOptions {
	return export.NginxOptions{Upstream: "http://127.0.0.1:8501", Listen: []string{"127.0.0.1:8080"}, PasswordDir: dir, Hash: export.Bcrypt}
}

// write puts files where nginx finds them and returns the configuration.
func write(t testing.TB, dir string, files []export.File) string {
	t.Helper()
	for _, f := range files[1:] {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return string(files[0].Data)
}

func baseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestNginxTakesIt has the real nginx read what is written: no error and no warning.
func TestNginxTakesIt(t *testing.T) {
	t.Parallel()
	odd := config.Login{Username: `a"b\c$d{e}f;g 'h' zoë`, Password: `"$;{}\` + "\n é"}
	for name, tc := range map[string]struct {
		name   string
		login  config.Config
		change func(*export.NginxOptions)
		has    []string
	}{
		"the app": {login: config.Config{Passwords: logins(config.MainApp)},
			has: []string{"listen 127.0.0.1:8080;", `server_name "_";`, "server 127.0.0.1:8501;", `auth_basic "main_app\"`}},
		"all features": {login: config.Config{Passwords: logins(config.Features()...), PublicPaths: []string{"/health", "/static/"}},
			has: []string{`location ~* "^/api(?:/|$)"`, `location ~* "^/analytics(?:/|$)"`, `location = "/health"`, `location ~ "^/static/"`}},
		"the api only": {login: config.Config{Passwords: logins(config.API), APIPath: "/v1.0/api"},
			has: []string{`"^/v1\\.0/api(?:/|$)"`}},
		"odd credentials": {login: config.Config{Passwords: map[config.Feature]config.Login{config.MainApp: odd}}},
		"odd paths": {login: config.Config{Passwords: logins(config.Features()...), APIPath: `/a"pi}`, AnalyticsPath: "/an{a$lyt'ics",
			PublicPaths: []string{`/x"y`, "/${host}/", "/~x", "/^~", "/$1/$uri", "/=", "/a(b[c", "/a(b[c/", "/{;}"[:2], `/'`}}},
		"a public path twice": {login: config.Config{Passwords: logins(config.MainApp), PublicPaths: []string{"/a", "/a", "/b/", "/b/"}}},
		"a base URL": {login: config.Config{Passwords: logins(config.MainApp), BaseURL: baseURL(t, "https://app.example.com")},
			has: []string{`server_name "app.example.com";`, "X-Forwarded-Proto https;", `"~*^https://app\\.example\\.com(?::443)?$" 0;`}},
		"trusted proxies": {login: config.Config{Passwords: logins(config.MainApp),
			TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
			has: []string{"set_real_ip_from 10.0.0.0/8;", "set_real_ip_from ::1/128;"}},
		"names and ports": {login: config.Config{Passwords: logins(config.MainApp)},
			change: func(o *export.NginxOptions) {
				o.Listen = []string{"8081", ":8082", "[::1]:8083", ":8081", "[::1]:8083"}
				o.ServerNames = []string{"a.example", "*.b-c.example", "10.1.2.3", "a.example"}
				o.Upstream = "HTTP://[::1]:9000/"
			}, has: []string{"listen 8081;", "listen 8082;", "listen [::1]:8083;", `server_name "a.example" "*.b-c.example" "10.1.2.3";`, "server [::1]:9000;"}},
		"an app on another address": {login: config.Config{Passwords: logins(config.MainApp)},
			change: func(o *export.NginxOptions) { o.Upstream = "http://10.1.2.3:8080" }, has: []string{"server 10.1.2.3:8080;"}},
		"no port of the app": {login: config.Config{Passwords: logins(config.MainApp)},
			change: func(o *export.NginxOptions) { o.Upstream = "http://localhost" }, has: []string{"server localhost:80;"}},
		"a name with dots": {name: "my.app-1_x", login: config.Config{Passwords: logins(config.MainApp)}, has: []string{"$ploomber_my_app_1_x_user"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), `a "b' {c};\d`)
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			o := options(dir)
			if tc.change != nil {
				tc.change(&o)
			}
			if tc.name == "" {
				tc.name = "my-app"
			}
			files, err := export.Nginx(export.Project{Name: tc.name, Login: tc.login}, o)
			if err != nil {
				t.Fatal(err)
			}
			if files[0].Name != tc.name+".conf" || files[0].Secret || len(files) != 1+len(tc.login.Passwords) {
				t.Errorf("%d files, the first is %s", len(files), files[0].Name)
			}
			config := write(t, dir, files)
			for _, text := range tc.has {
				if !strings.Contains(config, text) {
					t.Errorf("it lacks %s:\n%s", text, config)
				}
			}
			for _, f := range files[1:] {
				if !f.Secret || strings.Contains(string(f.Data), pass) || !strings.HasSuffix(f.Name, ".htpasswd") {
					t.Errorf("%s: %+v", f.Name, f)
				}
				if !strings.Contains(config, f.Name) {
					t.Errorf("%s is not used", f.Name)
				}
			}
			if said := nginx.Check(t, config); said != "" {
				t.Errorf("nginx says %s\n%s", said, config)
			}
		})
	}
}

// Several projects on one nginx do not get into each other's way.
func TestNginxTakesTwo(t *testing.T) {
	t.Parallel()
	dir, text := t.TempDir(), ""
	for i, name := range []string{"one", "two"} {
		o := options(dir)
		o.ServerNames = []string{[]string{"one.example", "two.example"}[i]}
		files, err := export.Nginx(export.Project{Name: name, Login: config.Config{Passwords: logins(config.MainApp)}}, o)
		if err != nil {
			t.Fatal(err)
		}
		text += write(t, dir, files)
	}
	if said := nginx.Check(t, text); said != "" {
		t.Error(said)
	}
}

func TestNginxRefuses(t *testing.T) {
	t.Parallel()
	provider := config.Provider{Issuer: "https://id.example.com/", ClientID: "i", ClientSecret: "s"}
	secret := config.Secret("Zm9yIHRlc3RzIG9ubHksIG5vIHNlY3JldCBhdCBhbGw")
	for name, tc := range map[string]struct {
		project func(*export.Project)
		options func(*export.NginxOptions)
		is      error
		option  string
		says    string
	}{
		"a provider": {project: func(p *export.Project) {
			p.Login = config.Config{Providers: []config.Provider{provider}, Secrets: []config.Secret{secret}}
		}, is: export.ErrProvider},
		"a provider and a password": {project: func(p *export.Project) {
			p.Login = config.Config{Providers: []config.Provider{provider}, Secrets: []config.Secret{secret}, Passwords: logins(config.API)}
		}, is: export.ErrProvider},
		"only a login page": {project: func(p *export.Project) { p.Login.PasswordMode = config.ModeForm }, is: export.ErrForm},
		"no login":          {project: func(p *export.Project) { p.Login = config.Config{} }, is: config.ErrUnprotected},
		"a wrong path":      {project: func(p *export.Project) { p.Login.APIPath = "api" }, says: "AUTH_API_PATH"},
		"no name":           {project: func(p *export.Project) { p.Name = "" }, is: export.ErrName},
		"a name with a way": {project: func(p *export.Project) { p.Name = "../x" }, is: export.ErrName},
		"a hidden name":     {project: func(p *export.Project) { p.Name = ".x" }, is: export.ErrName},
		"a colon":           {project: credentials("a:b", pass), is: export.ErrUsername},
		"a comment":         {project: credentials("#a", pass), is: export.ErrUsername},
		"a NUL":             {project: credentials(user, "a\x00b"), is: export.ErrPassword},
		"72 bytes":          {project: credentials(user, strings.Repeat("a", 72)), is: export.ErrPassword, says: "71 bytes"},
		"a short password for ssha": {project: credentials(user, strings.Repeat("é", 19)), is: export.ErrPassword,
			options: func(o *export.NginxOptions) { o.Hash = export.SaltedSHA }, says: "20 characters"},
		"no hash":                          {options: func(o *export.NginxOptions) { o.Hash = "md5" }, option: "hash"},
		"no listener":                      {options: func(o *export.NginxOptions) { o.Listen = nil }, option: "listen"},
		"a listener with a directive":      {options: func(o *export.NginxOptions) { o.Listen = []string{"80; root /"} }, option: "listen"},
		"a listener with a parameter":      {options: func(o *export.NginxOptions) { o.Listen = []string{"80 ssl"} }, option: "listen"},
		"port 0":                           {options: func(o *export.NginxOptions) { o.Listen = []string{"0"} }, option: "listen"},
		"a large port":                     {options: func(o *export.NginxOptions) { o.Listen = []string{"65536"} }, option: "listen"},
		"a listener with a name":           {options: func(o *export.NginxOptions) { o.Listen = []string{"example.com:80"} }, option: "listen"},
		"a listener with a zone":           {options: func(o *export.NginxOptions) { o.Listen = []string{"[fe80::1%25x]:80"} }, option: "listen"},
		"a name that ends the line":        {options: func(o *export.NginxOptions) { o.ServerNames = []string{"a;b"} }, option: "server-name"},
		"a name with a line":               {options: func(o *export.NginxOptions) { o.ServerNames = []string{"a\nb"} }, option: "server-name"},
		"a name with a variable":           {options: func(o *export.NginxOptions) { o.ServerNames = []string{"$host"} }, option: "server-name"},
		"a name that is a pattern":         {options: func(o *export.NginxOptions) { o.ServerNames = []string{"~^a"} }, option: "server-name"},
		"an empty name":                    {options: func(o *export.NginxOptions) { o.ServerNames = []string{""} }, option: "server-name"},
		"no app":                           {options: func(o *export.NginxOptions) { o.Upstream = "" }, option: "upstream"},
		"an app behind https":              {options: func(o *export.NginxOptions) { o.Upstream = "https://127.0.0.1:8501" }, option: "upstream", says: "certificate"},
		"an app with a path":               {options: func(o *export.NginxOptions) { o.Upstream = "http://127.0.0.1:8501/x" }, option: "upstream"},
		"an app with a user":               {options: func(o *export.NginxOptions) { o.Upstream = "http://u:geheim@127.0.0.1:8501" }, option: "upstream"},
		"an app with a line":               {options: func(o *export.NginxOptions) { o.Upstream = "http://a;b:80" }, option: "upstream"},
		"an app with a variable":           {options: func(o *export.NginxOptions) { o.Upstream = "http://$host:80" }, option: "upstream"},
		"an app at port 0":                 {options: func(o *export.NginxOptions) { o.Upstream = "http://a:0" }, option: "upstream"},
		"an app with a socket":             {options: func(o *export.NginxOptions) { o.Upstream = "unix:/tmp/x" }, option: "upstream"},
		"an app that is nginx":             {options: func(o *export.NginxOptions) { o.Upstream = "http://127.0.0.1:8080" }, option: "upstream", says: "listens"},
		"an app that is nginx, by name":    {options: func(o *export.NginxOptions) { o.Upstream = "http://localhost:8080" }, option: "upstream", says: "listens"},
		"an app that is nginx, everywhere": {options: func(o *export.NginxOptions) { o.Listen, o.Upstream = []string{"80"}, "http://[::1]" }, option: "upstream", says: "listens"},
		"a relative folder":                {options: func(o *export.NginxOptions) { o.PasswordDir = "x" }, option: "password-dir"},
		"a folder with a variable":         {options: func(o *export.NginxOptions) { o.PasswordDir = "/x/$host" }, option: "password-dir"},
		"a folder with a line":             {options: func(o *export.NginxOptions) { o.PasswordDir = "/x\n/y" }, option: "password-dir"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := export.Project{Name: "my-app", Login: config.Config{Passwords: logins(config.MainApp)}}
			o := options("/etc/nginx")
			if tc.project != nil {
				tc.project(&p)
			}
			if tc.options != nil {
				tc.options(&o)
			}
			files, err := export.Nginx(p, o)
			if err == nil || files != nil {
				t.Fatalf("it is written:\n%s", files[0].Data)
			}
			var option *export.OptionError
			if tc.is != nil && !errors.Is(err, tc.is) || tc.option != "" && (!errors.As(err, &option) || option.Option != tc.option) ||
				!strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "geheim") {
				t.Errorf("says %v", err)
			}
		})
	}
}

func credentials(name, password string) func(*export.Project) {
	return func(p *export.Project) {
		p.Login.Passwords = map[config.Feature]config.Login{
			config.MainApp: {Username: name, Password: config.Secret(password)}}
	}
}
