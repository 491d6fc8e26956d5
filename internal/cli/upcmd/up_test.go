package upcmd

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/cmdtest"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
)

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"nothing":                 {Want: Flags{Timeout: 90 * time.Second}},
		"all":                     {Args: []string{"--port=9000", "--no-build", "--open", "--public", "--type=dash", "--installer=pip", "--timeout=2m", "--base-url=https://t.example.com/"}, Want: Flags{Port: 9000, NoBuild: true, Open: true, Public: true, Type: "dash", Installer: "pip", Timeout: 2 * time.Minute, BaseURL: "https://t.example.com/"}},
		"a development login":     {Args: []string{"--dev-login", "--base-url=http://app.localhost:8080"}, Want: Flags{DevLogin: true, BaseURL: "http://app.localhost:8080", Timeout: 90 * time.Second}},
		"its users":               {Args: []string{"--dev-login", "--dev-user=ada@example.com,a,b", "--dev-user", "g@example.com"}, Want: Flags{DevLogin: true, DevUsers: []string{"ada@example.com,a,b", "g@example.com"}, Timeout: 90 * time.Second}},
		"users of nothing":        {Args: []string{"--dev-user=ada@example.com"}, Code: failure.Usage},
		"a user that is invalid":  {Args: []string{"--dev-login", "--dev-user=ada"}, Code: failure.Usage},
		"open and guarded":        {Args: []string{"--dev-login", "--public"}, Code: failure.Usage},
		"a base of no scheme":     {Args: []string{"--base-url=app.example.com"}, Code: failure.Usage},
		"a base with a path":      {Args: []string{"--base-url=https://app.example.com/x"}, Code: failure.Usage},
		"a base with a user":      {Args: []string{"--base-url=https://u@app.example.com"}, Code: failure.Usage},
		"no password for all":     {Args: []string{"--dev-login", "--base-url=https://app.example.com"}, Code: failure.Usage},
		"port 0":                  {Args: []string{"--port=0"}, Code: failure.Usage},
		"a port too large":        {Args: []string{"--port=65536"}, Code: failure.Usage},
		"no time":                 {Args: []string{"--timeout=0s"}, Code: failure.Usage},
		"time back":               {Args: []string{"--timeout=-1s"}, Code: failure.Usage},
		"an unknown type":         {Args: []string{"--type=django"}, Code: failure.Failed},
		"one that runs here only": {Args: []string{"--type=fastapi", "--entry=x.py:make", "--no-reload", "--isolated-home"}, Want: Flags{Type: "fastapi", Entry: "x.py:make", NoReload: true, IsolatedHome: true, Timeout: 90 * time.Second}},
		"a command":               {Args: []string{"--command=node x.js"}, Want: Flags{Command: "node x.js", Timeout: 90 * time.Second}},
		"a command and a file":    {Args: []string{"--command=node x.js", "--entry=x.py"}, Code: failure.Usage},
	})
}

func options(t *testing.T, d *cmdtest.Setup) *Options {
	t.Helper()
	cache := t.TempDir()
	return &Options{
		IO: d.IO, Ask: d.Ask, Folder: d.Folder(), Lookup: d.Lookup, Environ: os.Environ, CacheDir: func() (string, error) { return cache, nil },
		Now: time.Now, Random: rand.Reader, Browse: func(context.Context, string) error { return nil }, Verbose: func() bool { return false },
		Flags: Flags{Timeout: time.Minute},
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	const config = `{"id": "demo", "type": "flask"}`
	for name, tc := range map[string]struct {
		files   map[string]string
		flags   Flags
		at      string // --config
		answers []string
		want    string // framework and what starts it; "" is an error
		code    int
		says    string
	}{
		"the project's":          {files: map[string]string{"ploomber-cloud.json": config, "app.py": "import dash"}, want: "flask app.py"},
		"another type":           {files: map[string]string{"ploomber-cloud.json": config, "app.py": ""}, flags: Flags{Type: "dash"}, want: "dash app.py"},
		"a named configuration":  {files: map[string]string{"x.json": config, "app.py": ""}, at: "x.json", want: "flask app.py"},
		"inferred":               {files: map[string]string{"app.py": "import dash"}, want: "dash app.py"},
		"given":                  {files: map[string]string{"app.py": ""}, flags: Flags{Type: "panel"}, want: "panel app.py"},
		"another file":           {files: map[string]string{"ploomber-cloud.json": config, "main.py": "import flask"}, want: "flask main.py"},
		"a named file":           {files: map[string]string{"app.py": "import dash", "b.py": "import panel"}, flags: Flags{Entry: "b.py"}, want: "panel b.py"},
		"a file named in .env":   {files: map[string]string{"app.py": "import dash", "b.py": "import panel", ".env": "PLOOMBER_ENTRY=b.py"}, want: "panel b.py"},
		"a flag before .env":     {files: map[string]string{"app.py": "import dash", "b.py": "import panel", ".env": "PLOOMBER_ENTRY=b.py"}, flags: Flags{Entry: "app.py"}, want: "dash app.py"},
		"a command":              {files: map[string]string{"app.py": "import dash"}, flags: Flags{Command: "node x.js"}, want: "command node x.js"},
		"docker without a file":  {files: map[string]string{"ploomber-cloud.json": `{"id": "d", "type": "docker"}`, "main.py": "import gradio"}, want: "gradio main.py", says: "a deployment needs a Dockerfile"},
		"two, and an answer":     {files: map[string]string{"a.py": "import dash", "b.py": "import dash"}, answers: []string{"2"}, want: "dash b.py"},
		"two, and no answer":     {files: map[string]string{"a.py": "import dash", "b.py": "import dash"}, code: failure.Usage, says: "a.py (dash), b.py (dash)"},
		"two, and what to do":    {files: map[string]string{"a.py": "import dash", "b.py": "import dash"}, code: failure.Usage, says: "--entry a.py"},
		"a base path":            {files: map[string]string{"app.py": "import streamlit", ".env": "STREAMLIT_SERVER_BASE_URL_PATH=x"}, want: "streamlit app.py", says: "below /x, as set by STREAMLIT_SERVER_BASE_URL_PATH"},
		"nothing":                {code: failure.Failed, says: "--entry"},
		"a broken project":       {files: map[string]string{"ploomber-cloud.json": "{", "app.py": "import dash"}, code: failure.Failed, says: "init --force"},
		"not where it is named":  {files: map[string]string{"app.py": "import dash"}, at: "x.json", code: failure.Failed, says: "x.json"},
		"app.py is a folder":     {files: map[string]string{"app.py/x": ""}, code: failure.Failed, says: "no app found"},
		"a file that is not":     {files: map[string]string{"app.py": "import dash"}, flags: Flags{Entry: "b.py"}, code: failure.Failed, says: `"b.py"`},
		"a file that is outside": {files: map[string]string{"app.py": "import dash"}, flags: Flags{Entry: "../b.py"}, code: failure.Failed, says: "outside"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files, tc.answers...)
			o := options(t, d)
			o.Flags, o.Folder.Config = tc.flags, tc.at
			env, err := o.Folder.Env()
			if err != nil {
				t.Fatal(err)
			}
			vars, err := o.vars(env)
			if err != nil {
				t.Fatal(err)
			}
			_, app, err := o.project(t.Context(), vars)
			err = o.explain(err)
			if got := string(app.Framework) + " " + app.String(); failure.Code(err) != tc.code || err == nil && got != tc.want || !strings.Contains(d.Said(err), tc.says) {
				t.Errorf("%q, exit status %d, says %q; want %q, %d, %q", got, failure.Code(err), d.Said(err), tc.want, tc.code, tc.says)
			}
		})
	}
}

// What is wrong is said before anything is built or started.
func TestUpRefuses(t *testing.T) {
	t.Parallel()
	const login = "username_main_app=ann\npassword_main_app=pass-word\n"
	for name, tc := range map[string]struct {
		files map[string]string
		set   func(*Options)
		code  int
		says  string
	}{
		"nothing protects it":         {files: map[string]string{"app.py": "import dash"}, says: "nothing protects this app"},
		"and how to change that":      {files: map[string]string{"app.py": "import dash"}, says: "or pass --public"},
		"credentials that are lost":   {files: map[string]string{"app.py": "", "ploomber-cloud.json": `{"id": "d", "type": "dash", "authentication": {"username": {"secret": "U"}, "password": {"secret": "P"}}}`}, says: "U"},
		"half of the credentials":     {files: map[string]string{"app.py": "import dash", ".env": "username_main_app=ann\n"}, says: "password_main_app"},
		"half of an OpenID login":     {files: map[string]string{"app.py": "import dash", ".env": "AUTH_CLIENT_ID=i\n"}, says: "AUTH_"},
		"a misspelt login":            {files: map[string]string{"app.py": "import dash", ".env": "AUTH_CLIENT_IDD=i\n"}, says: "did you mean AUTH_CLIENT_ID?"},
		"no secrets that can be read": {files: map[string]string{"app.py": "import dash", ".env": "A=\xff\n"}, says: "UTF-8"},
		"no home": {
			files: map[string]string{"app.py": "import dash", ".env": login}, says: "cannot determine the folder",
			set: func(o *Options) { o.CacheDir = func() (string, error) { return "", errors.New("set HOME") } },
		},
		"a type that cannot run": {files: map[string]string{"ploomber-cloud.json": `{"id": "d", "type": "docker"}`, ".env": login}, says: "Dockerfile"},
		"no file to start":       {files: map[string]string{"ploomber-cloud.json": `{"id": "d", "type": "streamlit"}`, ".env": login}, says: "app.py"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := cmdtest.New(t, tc.files)
			o := options(t, d)
			if tc.set != nil {
				tc.set(o)
			}
			err := o.Run(t.Context(), func(context.Context, Served) error { t.Error("it is served"); return nil })
			if said := d.Said(err); err == nil || failure.Code(err) != failure.Failed || !strings.Contains(said, tc.says) || strings.Contains(said, "pass-word") {
				t.Errorf("exit status %d, says %q, want %q", failure.Code(err), said, tc.says)
			}
		})
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	d := cmdtest.New(t, map[string]string{"app.py": "import dash"})
	o := options(t, d)
	o.Public = true
	c, _, err := o.project(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	env, err := o.Folder.Env()
	if err != nil {
		t.Fatal(err)
	}
	l, err := o.login(t.Context(), env, c, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if rules := l.config.Rules(); len(rules) != 1 || !rules[0].Open {
		t.Errorf("%v", rules)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	o := &Options{}
	err := o.explain(&platform.Problem{Msg: "the app ended", Hint: "read its last lines", Output: []string{"Traceback", "ImportError: dash"}})
	if err.Error() != "the app ended\n    Traceback\n    ImportError: dash" || failure.Hint(err) != "read its last lines" {
		t.Errorf("%q, hint %q", err, failure.Hint(err))
	}
	taken := o.explain(&platform.Problem{Msg: "another program is using 127.0.0.1:80", Hint: "choose another port", Err: platform.ErrTaken})
	if !strings.Contains(failure.Hint(taken), "--port") {
		t.Errorf("hint %q", failure.Hint(taken))
	}
	if err := o.explain(context.Canceled); failure.Code(err) != failure.Interrupted {
		t.Errorf("%v", err)
	}
}

// miniature is an app on Python's standard library that says who visits it and what .env told it.
const miniature = `
import os, sys, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write((os.environ["GREETING"] + " " + self.headers.get("X-Auth-Name", "nobody")).encode())
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`

func miniatureOptions(t *testing.T, d *cmdtest.Setup, cache string) *Options {
	t.Helper()
	if _, err := platform.FindProgram(os.Environ(), "python3", "python"); err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no Python here")
	}
	o := options(t, d)
	o.CacheDir = func() (string, error) { return cache, nil }
	o.recipe = &platform.Recipe{
		Program: "python", Entry: "app.py", Args: []string{"{entry}", "{port}"}, Ready: "/",
	}
	return o
}

// TestUp runs real apps, one after the other: the second finds the environment of the first.
func TestUp(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	t.Run("serves", func(t *testing.T) { testServes(t, cache) })
	t.Run("shows why an app ends", func(t *testing.T) { testShowsWhyAnAppEnds(t, cache) })
	t.Run("ends with an interrupt", func(t *testing.T) { testInterrupted(t, cache) })
	t.Run("logs in at the development login", func(t *testing.T) { testDevLogin(t, cache) })
	t.Run("keeps to the rules", func(t *testing.T) { testRules(t, cache) })
	t.Run("tells what to register", func(t *testing.T) { testTellsWhatToRegister(t, cache) })
}

// The app answers with the password of .env, and to nobody else.
func testServes(t *testing.T, cache string) {
	t.Helper()
	d := cmdtest.New(t, map[string]string{
		"app.py": miniature, "requirements.txt": "", "ploomber-cloud.json": `{"id": "d", "type": "flask"}`,
		".env": "username_main_app=ann\npassword_main_app=pass-word\nGREETING=hello\nnot a line\n",
	})
	before := d.Files()
	o := miniatureOptions(t, d, cache)
	visit := func(url, password string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			r.SetBasicAuth("ann", password)
		}
		r.Header.Set("X-Auth-Name", "mallory")
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = reply.Body.Close() }()
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode, string(body)
	}
	served := false
	err := o.Run(t.Context(), func(_ context.Context, s Served) error {
		served = true
		if s.Type != "flask" || len(s.Protected) != 1 || !strings.Contains(s.Protected[0], "password") {
			t.Errorf("%+v", s)
		}
		if status, body := visit(s.URL, ""); status != http.StatusUnauthorized || strings.Contains(body, "hello") {
			t.Errorf("without the password: %d %q", status, body)
		}
		if status, _ := visit(s.URL, "wrong"); status != http.StatusUnauthorized {
			t.Errorf("with a wrong password: %d", status)
		}
		if status, body := visit(s.URL, "pass-word"); status != http.StatusOK || body != "hello ann" {
			t.Errorf("with the password: %d %q", status, body)
		}
		return nil
	})
	if err != nil || !served {
		t.Fatalf("%v\n%s", err, d.Said(nil))
	}
	if said := d.Said(nil); !strings.Contains(said, "line 4") || strings.Contains(said, "pass-word") {
		t.Errorf("says %q", said)
	}
	if after := d.Files(); len(after) != len(before) {
		t.Errorf("the folder holds %q, held %q", after, before)
	}
}

// What an app that does not start has printed is shown, with what to do.
func testShowsWhyAnAppEnds(t *testing.T, cache string) {
	t.Helper()
	d := cmdtest.New(t, map[string]string{
		"app.py": "raise SystemExit('the database is away')", "requirements.txt": "", "ploomber-cloud.json": `{"id": "d", "type": "flask"}`,
		".env": "username_main_app=ann\npassword_main_app=pass-word\n",
	})
	o := miniatureOptions(t, d, cache)
	o.IO.Configure("never", false, true, d.Lookup) // quiet: the app's lines are in the message alone
	err := o.Run(t.Context(), func(context.Context, Served) error { t.Error("it is served"); return nil })
	if err == nil || failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), "the database is away") {
		t.Errorf("%v", err)
	}
}

func testInterrupted(t *testing.T, cache string) {
	t.Helper()
	d := cmdtest.New(t, map[string]string{
		"app.py": miniature, "requirements.txt": "", "ploomber-cloud.json": `{"id": "d", "type": "flask"}`,
		".env": "username_main_app=ann\npassword_main_app=pass-word\nGREETING=hello\n",
	})
	o := miniatureOptions(t, d, cache)
	ctx, cancel := context.WithCancel(t.Context())
	o.Open = true
	o.Browse = func(_ context.Context, url string) error {
		if !strings.HasPrefix(url, "http://") {
			t.Errorf("opens %s", url)
		}
		cancel()
		return errors.New("no browser")
	}
	err := o.Run(ctx, nil)
	said := d.Said(err)
	if failure.Code(err) != failure.Interrupted || !strings.Contains(said, "no browser") || !strings.Contains(said, "Your app runs at") {
		t.Errorf("%v, says %q", err, said)
	}
}
