package exportcmd

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
)

const (
	projectFile = `{"id": "my-app", "type": "dash"}`
	env         = "username_main_app=ann\npassword_main_app='pass word'\n"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	standard := Flags{Dir: "nginx", Nginx: NginxFlags{Upstream: "http://127.0.0.1:8501", Listen: []string{"80"}, Hash: export.Bcrypt}}
	all := Flags{Dir: "x", Force: true, Nginx: NginxFlags{Upstream: "http://app:80", Listen: []string{"80", "[::]:80"}, ServerName: []string{"a", "b"},
		PasswordDir: "/p", Group: "g", Hash: export.SaltedSHA}}
	printed := standard
	printed.Stdout = true
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing": {Args: []string{"nginx"}, Want: standard},
		"all": {Args: []string{"nginx", "--upstream=http://app:80", "--listen=80", "--listen=[::]:80", "--server-name=a", "--server-name=b", "--dir=x", "--force",
			"--password-dir=/p", "--group=g", "--hash=ssha"}, Want: all},
		"stdout":              {Args: []string{"nginx", "--stdout"}, Want: printed},
		"stdout and a folder": {Args: []string{"nginx", "--stdout", "--dir=x"}, Code: failure.Usage},
		"stdout and force":    {Args: []string{"nginx", "--stdout", "--force"}, Code: failure.Usage},
		"stdout and a group":  {Args: []string{"nginx", "--stdout", "--group=x"}, Code: failure.Usage},
		"an empty folder":     {Args: []string{"nginx", "--dir="}, Code: failure.Usage},
	})
}

// run has a user export for nginx.
func run(t *testing.T, d *cmdtest.Setup, args ...string) error {
	t.Helper()
	return cmdtest.Run(t.Context(), New(Options{IO: d.IO, Folder: d.Folder(), Lookup: d.Lookup}, nil), append([]string{"nginx"}, args...)...)
}

// What is written is what a real nginx asks for.
func TestNginx(t *testing.T) {
	t.Parallel()
	nginx.Need(t)
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": projectFile, ".env": env})
	app := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(app.Close)
	listener := nginx.Listen(t)
	if err := run(t, d, "--upstream", app.URL, "--listen", listener.Addr()); err != nil {
		t.Fatal(d.Said(err))
	}
	s := nginx.Start(t, listener, "include "+filepath.Join(d.Dir, "nginx", "*.conf")+";")
	for password, want := range map[string]int{"pass word": http.StatusNotFound, "pass": http.StatusUnauthorized} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr, nil)
		r.SetBasicAuth("ann", password)
		answer, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%q: %d, want %d\n%s", password, answer.StatusCode, want, s.Log())
		}
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"ploomber-cloud.json": projectFile, ".env": env + "username_api=bob\npassword_api=secret-2\n"})
	if err := run(t, d); err != nil {
		t.Fatal(d.Said(err))
	}
	want := []string{".env", "nginx/my-app.api.htpasswd", "nginx/my-app.conf", "nginx/my-app.main_app.htpasswd", "ploomber-cloud.json"}
	if got := d.Files(); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if runtime.GOOS != "windows" {
		for name, mode := range map[string]os.FileMode{"nginx/my-app.conf": 0o644, "nginx/my-app.main_app.htpasswd": 0o600} {
			if info, err := os.Stat(filepath.Join(d.Dir, name)); err != nil || info.Mode().Perm() != mode {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}
	if got := d.Read("nginx/my-app.conf"); !strings.Contains(got, filepath.ToSlash(d.Dir)+"/nginx/my-app.api.htpasswd") {
		t.Errorf("nginx does not find the passwords:\n%s", got)
	}

	// A second time nothing is replaced unless that is asked for.
	before := d.Read("nginx/my-app.main_app.htpasswd")
	err := run(t, d)
	if said := d.Said(err); failure.Code(err) != failure.Failed || !strings.Contains(said, "--force") || d.Read("nginx/my-app.main_app.htpasswd") != before {
		t.Errorf("says %s", said)
	}
	if err := run(t, d, "--force", "--password-dir", "/etc/nginx/passwords/"); err != nil {
		t.Fatal(d.Said(err))
	}
	if d.Read("nginx/my-app.main_app.htpasswd") == before || !strings.Contains(d.Read("nginx/my-app.conf"), `"/etc/nginx/passwords/my-app.api.htpasswd"`) {
		t.Error("nothing is new")
	}
	said := d.Said(nil) // by all runs
	for _, secret := range []string{"pass word", "secret-2", "$2y$", "{SSHA}"} {
		if strings.Contains(said, secret) {
			t.Errorf("it says %s:\n%s", secret, said)
		}
	}
}

func TestStdout(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{"text": {"--stdout"}, "json": {"--stdout"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, map[string]string{"production.env": env, ".env": "A=1\n"})
			if name == "json" {
				d.JSON()
			}
			if err := run(t, d, append(args, "--env-file", "production.env")...); err != nil {
				t.Fatal(d.Said(err))
			}
			text := d.Out()
			if name == "json" {
				var r nginxResult
				if err := json.Unmarshal([]byte(text), &r); err != nil || len(r.Files) != 0 || len(r.Protected) != 1 {
					t.Fatalf("%v: %s", err, text)
				}
				text = r.Config
			}
			if !strings.HasPrefix(text, "# ") || !strings.Contains(text, "server {") || strings.Contains(text, "$2y$") || len(d.Files()) != 2 {
				t.Errorf("files %q\n%s", d.Files(), text)
			}
		})
	}
}

// What cannot be written is refused before a file is made, with what to do next.
func TestNginxRefuses(t *testing.T) {
	t.Parallel()
	const openID = "AUTH_CLIENT_ID=i\nAUTH_CLIENT_SECRET=s\nAUTH_ISSUER_BASE_URL=https://id.example.com/\nAUTH_SECRET=Zm9yIHRlc3RzIG9ubHksIG5vIHNlY3JldCBhdCBhbGw\n"
	for name, tc := range map[string]struct {
		env, projectFile string
		args             []string
		code             int
		says             []string
	}{
		"no password":             {env: "A=1\n", says: []string{"nothing protects this app", "auth --add"}},
		"half a password":         {env: "username_main_app=ann\n", says: []string{"password_main_app"}},
		"OpenID Connect":          {env: openID, says: []string{"OpenID Connect", "ploomber-cloud proxy"}},
		"a login page":            {env: env + "AUTH_PASSWORD_MODE=form\n", says: []string{"AUTH_PASSWORD_MODE=basic", "ploomber-cloud proxy"}},
		"a colon":                 {env: "username_api=a:b\npassword_api=c\n", says: []string{"api", "colon", "auth --add --overwrite"}},
		"a short password":        {env: env, args: []string{"--hash=ssha"}, says: []string{"20 characters", "--hash"}},
		"an unknown hash":         {env: env, args: []string{"--hash=md5"}, says: []string{"bcrypt, ssha"}},
		"an unknown group":        {env: env, args: []string{"--group=no such group"}, code: failure.Usage, says: []string{"no such group"}},
		"a wrong listener":        {env: env, args: []string{"--listen=80;"}, code: failure.Usage, says: []string{"--listen"}},
		"a wrong name":            {env: env, args: []string{"--server-name=a b"}, code: failure.Usage, says: []string{"--server-name"}},
		"a wrong app":             {env: env, args: []string{"--upstream=https://u:pass-word@a"}, code: failure.Usage, says: []string{"--upstream"}},
		"a wrong folder":          {env: env, args: []string{"--password-dir=x"}, code: failure.Usage, says: []string{"--password-dir"}},
		"a folder that is a file": {env: env, args: []string{"--dir=.env/x"}, says: []string{"x"}},
		"a broken project":        {env: env, projectFile: "{", says: []string{"ploomber-cloud.json"}},
		"no such project":         {env: env, args: []string{"--config=other.json"}, says: []string{"other.json"}},
		"no such secrets":         {env: env, args: []string{"--env-file=other.env"}, says: []string{"other.env"}},
		"secrets that are lost":   {env: "A=1\n", projectFile: `{"id": "x", "type": "dash", "authentication": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`, says: []string{"U", "P"}},
		"an id that is a way out": {env: env, projectFile: `{"id": "../x", "type": "dash"}`, says: []string{"../x"}},
		"secrets of no encoding":  {env: "A=\xff\n", says: []string{"UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{".env": tc.env}
			if tc.projectFile != "" {
				files["ploomber-cloud.json"] = tc.projectFile
			}
			d := cmdtest.New(t, files)
			err := run(t, d, tc.args...)
			said := d.Said(err)
			if tc.code == 0 {
				tc.code = failure.Failed
			}
			if failure.Code(err) != tc.code || len(d.Files()) != len(files) || strings.Contains(said, "pass-word") || strings.Contains(said, "pass word") {
				t.Errorf("code %d, files %q, says %s", failure.Code(err), d.Files(), said)
			}
			for _, text := range tc.says {
				if !strings.Contains(said, text) {
					t.Errorf("says %q, lacks %q", said, text)
				}
			}
		})
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		return // files have no groups there
	}
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	own, err := user.LookupGroupId(who.Gid)
	if err != nil {
		t.Fatal(err)
	}
	d := cmdtest.New(t, map[string]string{".env": env})
	if err := run(t, d, "--group", own.Name); err != nil {
		t.Fatal(d.Said(err))
	}
	for name, mode := range map[string]os.FileMode{"app.conf": 0o644, "app.main_app.htpasswd": 0o640} {
		if info, err := os.Stat(filepath.Join(d.Dir, "nginx", name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// People are warned where their passwords can be listened to, and only there.
func TestUnencrypted(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{"80": true, ":80": true, "0.0.0.0:80": true, "10.0.0.1:80": true, "[::]:80": true, "127.0.0.1:80": false, "[::1]:80": false} {
		d := cmdtest.New(t, map[string]string{".env": env})
		if err := run(t, d, "--listen", listen, "--listen", "127.0.0.1:81"); err != nil {
			t.Fatal(d.Said(err))
		}
		if got := strings.Contains(d.Said(nil), "unencrypted"); got != want {
			t.Errorf("%s: warned %v", listen, got)
		}
	}
}
