package doctorcmd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/testkit/flagtest"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

const canary = "s3cr3t-canary"

func TestFlags(t *testing.T) {
	t.Parallel()
	flagtest.Run(t, func(got *Flags) *cobra.Command {
		return New(Options{}, func(_ context.Context, o *Options) error { *got = o.Flags; return nil })
	}, flagtest.Cases[Flags]{
		"none":     {},
		"offline":  {Args: []string{"--offline"}, Want: Flags{Offline: true}},
		"argument": {Args: []string{"x"}, Code: failure.Failed},
	})
}

// machine is a healthy machine and project, which each test harms in one way.
type machine struct {
	files    map[string]string // of the project
	modes    map[string]os.FileMode
	environ  map[string]string
	programs map[string]string // what a program answers, as "status output"; one that is missing is not there
	platform http.HandlerFunc
	patience time.Duration
	args     []string
	os       string
	once     bool // JSON alone, where a run takes long
}

func healthy() *machine {
	return &machine{
		files: map[string]string{
			"ploomber-cloud.json": `{"id": "p-1", "type": "flask", "authentication":
				{"username": {"secret": "username_main_app"}, "password": {"secret": "password_main_app"}}}`,
			".env":             "username_main_app=ann\npassword_main_app=" + canary + "\n",
			"app.py":           "import flask\n",
			"requirements.txt": "Flask==3.1\n",
		},
		modes:   map[string]os.FileMode{},
		environ: map[string]string{settings.KeyVariable: canary + "-key"},
		programs: map[string]string{
			"git rev-parse": "0 true\n", "git ls-files": "1 ", "git check-ignore": "0 ",
			"uv": "0 uv 0.9\n", "python3": "0 Python 3.12.1\n",
		},
		platform: answer(map[string]string{
			"/users/me": `{"_model": {"type": "pro"}}`, "/projects/p-1": `{"id": "p-1", "jobs": [{"id": "j"}]}`,
		}),
		os: "linux",
	}
}

func answer(replies map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if reply, ok := replies[r.URL.Path]; ok {
			_, _ = w.Write([]byte(reply))
			return
		}
		http.NotFound(w, r)
	}
}

// run plays the command and returns its report and, besides, everything that it said.
func (w *machine) run(t *testing.T) (r report, said string, err error) {
	t.Helper()
	server := httptest.NewServer(w.platform)
	t.Cleanup(server.Close)
	dir, home := t.TempDir(), t.TempDir()
	for name, text := range w.files {
		mode, ok := w.modes[name]
		if !ok {
			mode = 0o600
		}
		path := filepath.Join(dir, name)
		if name == "home/config.yaml" {
			path = filepath.Join(home, ".ploomber", "stats", "config.yaml")
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask says
			t.Fatal(err)
		}
	}
	lookup := func(name string) (string, bool) { v, ok := w.environ[name]; return v, ok }
	forms := []bool{false, true}
	if w.once {
		forms = forms[1:]
	}
	for _, asJSON := range forms {
		var out bytes.Buffer
		s := &settings.Settings{Lookup: lookup, Home: func() (string, error) { return home, nil }, APIURL: server.URL}
		c := New(Options{
			IO:     &term.IO{Out: term.NewStream(&out), Err: term.NewStream(&out), JSON: asJSON},
			Folder: flow.Folder{Dir: dir}, Settings: s, Environ: lookup, OS: w.os, Version: "1.2.0", Patience: w.patience,
			Connect: func() (*cloudapi.Client, error) {
				key, err := s.Key()
				if err != nil {
					return nil, err
				}
				return cloudapi.New(cloudapi.Options{BaseURL: server.URL, Key: key.Reveal(), Retries: -1}), nil
			},
			Transport: func() (http.RoundTripper, error) { return server.Client().Transport, nil },
			Run: func(_ context.Context, program string, args ...string) (string, int, error) {
				if program == "git" {
					program += " " + args[2]
				}
				reply, ok := w.programs[program]
				if !ok {
					return "", 0, fmt.Errorf("%s: %w", program, exec.ErrNotFound)
				}
				var status int
				_, _ = fmt.Sscan(reply, &status)
				_, output, _ := strings.Cut(reply, " ")
				return output, status, nil
			},
		}, nil)
		c.SilenceErrors, c.SilenceUsage = true, true
		c.SetArgs(w.args)
		err = c.ExecuteContext(t.Context())
		said += out.String()
		if asJSON {
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatalf("%v in %s", err, &out)
			}
		}
	}
	if err != nil {
		said += err.Error()
	}
	return r, strings.ReplaceAll(said, dir, "DIR"), err
}

func TestDoctorHealthy(t *testing.T) {
	t.Parallel()
	r, said, err := healthy().run(t)
	if err != nil || !r.OK || r.Problems+r.Warnings > 0 {
		t.Errorf("%v: %s", err, said)
	}
	for _, says := range []string{
		"ploomber-cloud 1.2.0", "from PLOOMBER_CLOUD_KEY", "answers", "tier pro", "p-1 (flask)", "a deployment of it",
		".env holds 2 secrets", ".env is ignored", "main_app is protected", "starts app.py (flask)", "Python 3.12.1",
		"2 files ship", "200 MB zipped", "Everything is in order.",
	} {
		if !strings.Contains(said, says) {
			t.Errorf("%q is missing in:\n%s", says, said)
		}
	}
	if strings.Contains(said, canary) {
		t.Errorf("a secret was printed: %s", said)
	}
}

// TestDoctorFinds harms the healthy machine in one way at a time: the check of that name must tell.
func TestDoctorFinds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		harm   func(*machine)
		check  string
		status Status
		says   string
	}{
		"no key": {func(w *machine) { delete(w.environ, settings.KeyVariable) }, "key", Warning, "not found"},
		"key for all to read": {func(w *machine) {
			w.files["home/config.yaml"], w.modes["home/config.yaml"] = "cloud_key: "+canary+"\n", 0o644
		}, "key file", Warning, "mode 644"},
		"refused key": {func(w *machine) {
			w.platform = func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusUnauthorized) }
		}, "account", Problem, "refused"},
		"another page answers": {func(w *machine) {
			w.platform = func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>log in</html>")) }
		}, "account", Problem, ""},
		"slow platform": {func(w *machine) {
			w.patience = 50 * time.Millisecond
			w.platform = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		}, "platform", Problem, "timed out"},
		"unknown tier": {func(w *machine) { w.platform = answer(map[string]string{"/users/me": `{"_model": {"type": "ultra"}}`}) },
			"account", Warning, "ultra"},
		"unknown project": {func(w *machine) { w.platform = answer(map[string]string{"/users/me": `{"_model": {"type": "pro"}}`}) },
			"deployment", Problem, "does not have the project p-1"},
		"no project":     {func(w *machine) { delete(w.files, "ploomber-cloud.json") }, "project", Warning, "not a project yet"},
		"broken project": {func(w *machine) { w.files["ploomber-cloud.json"] = `{"id": 1}` }, "project", Problem, "ploomber-cloud.json"},
		"malformed line": {func(w *machine) { w.files[".env"] += "=" + canary + "\n" }, "secrets", Warning, ".env:3 is skipped"},
		"not UTF-8":      {func(w *machine) { w.files[".env"] += "\xff" }, "secrets", Problem, "cannot read"},
		"readable .env":  {func(w *machine) { w.modes[".env"] = 0o644 }, "secrets", Warning, "mode 644"},
		"tracked .env":   {func(w *machine) { w.programs["git ls-files"] = "0 .env\n" }, "git", Warning, "is in the repository"},
		"unignored .env": {func(w *machine) { w.programs["git check-ignore"] = "1 " }, "git", Warning, "does not ignore .env"},
		"broken git":     {func(w *machine) { w.programs["git check-ignore"] = "128 " }, "git", Warning, "cannot determine whether git ignores"},
		"in clear": {func(w *machine) {
			w.files["ploomber-cloud.json"] = `{"id": "p-1", "type": "flask", "authentication": {"username": "ann", "password": "` + canary + `"}}`
			delete(w.files, ".env")
		}, "password", Warning, "in plain text"},
		"dangling reference": {func(w *machine) { w.files[".env"] = "username_main_app=ann\n" }, "password", Problem, "password_main_app"},
		"missing secret-key": {func(w *machine) {
			w.files["ploomber-cloud.json"] = `{"id": "p-1", "type": "flask", "secret-keys": ["TOKEN"]}`
			delete(w.files, ".env")
		}, "secrets", Problem, "TOKEN"},
		"api":          {func(w *machine) { w.files[".env"] += "username_api=a\npassword_api=" + canary + "\n" }, "password", Warning, "feature api"},
		"half a login": {func(w *machine) { w.files[".env"] += "AUTH_CLIENT_ID=x\n" }, "login", Problem, "AUTH_CLIENT_"},
		"half a login without a project": {func(w *machine) {
			delete(w.files, "ploomber-cloud.json")
			w.files[".env"] = "AUTH_CLIENT_ID=x\n"
		}, "login", Problem, "AUTH_CLIENT_SECRET"},
		"misspelled user name without a project": {func(w *machine) {
			delete(w.files, "ploomber-cloud.json")
			w.files[".env"] = "usernam_main_app=x\n"
		}, "login", Problem, "did you mean username_main_app"},
		"no app": {func(w *machine) { delete(w.files, "app.py") }, "app", Problem, "app.py"},
		"no requirements": {func(w *machine) { delete(w.files, "requirements.txt") }, "requirements", Warning,
			"no file lists the app's packages"},
		"other requirements": {func(w *machine) { w.files["requirements.txt"] = "dash\n" }, "requirements", Warning, "does not mention flask"},
		"nothing but a configuration": {func(w *machine) { delete(w.files, "app.py"); delete(w.files, "requirements.txt") },
			"app", Problem, "no app of type flask"},
		"no account and no app": {func(w *machine) { w.files, w.environ = map[string]string{"x.txt": ""}, map[string]string{} }, "app", Warning, "no app found"},
		"several apps": {func(w *machine) {
			w.files = map[string]string{"a.py": "import dash", "b.py": "import dash"}
		}, "app", Warning, "a.py (dash), b.py (dash)"},
		"no account and no platform": {func(w *machine) {
			w.patience = 50 * time.Millisecond
			w.platform = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			delete(w.environ, settings.KeyVariable)
		}, "platform", Warning, "timed out"},
		"no python": {func(w *machine) { delete(w.programs, "python3") }, "tools", Warning,
			"cannot find python3 or python"},
		"no docker": {func(w *machine) {
			w.files["ploomber-cloud.json"], w.files["Dockerfile"] = `{"id": "p-1", "type": "docker"}`, "FROM x\n"
		},
			"tools", Warning, "cannot find docker or podman"},
		"a secret file that stays here": {func(w *machine) { w.files[".streamlit/secrets.toml"] = canary }, "archive", Warning,
			"although the app may need them: .streamlit/secrets.toml (Streamlit secrets)"},
		"a key that stays here": {func(w *machine) {
			w.files["notes.txt"] = "-----BEGIN PRIVATE KEY-----\nMIIEvCANARY1\n-----END PRIVATE KEY-----\n"
		}, "archive", Warning, "notes.txt (private key)"},
		"no R": {func(w *machine) {
			w.files["ploomber-cloud.json"], w.files["app.R"] = `{"id": "p-1", "type": "shiny-r"}`, "1\n"
		},
			"tools", Warning, "cannot find Rscript"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := healthy()
			tc.harm(w)
			r, said, err := w.run(t)
			if code := failure.Code(err); (code == failure.Failed) == r.OK || (code == failure.Done) != r.OK {
				t.Errorf("status %d, ok %v", code, r.OK)
			}
			if tc.status == Problem && r.OK {
				t.Error("the problem does not count")
			}
			told := map[string]bool{}
			for _, c := range r.Checks {
				if told[c.Message] {
					t.Errorf("this is told twice: %s", c.Message)
				}
				told[c.Message] = true
			}
			found := false
			for _, c := range r.Checks {
				found = found || c.Name == tc.check && c.Status == tc.status && strings.Contains(c.Message, tc.says) && c.Hint != ""
			}
			if !found {
				t.Errorf("no %s of %q that says %q, with a hint, in:\n%s", tc.status, tc.check, tc.says, said)
			}
			if strings.Contains(said, canary) {
				t.Errorf("a secret was printed: %s", said)
			}
		})
	}
}

// TestDoctorWithoutAccount: what is needed to deploy is missing, and nothing is to run the app here.
func TestDoctorWithoutAccount(t *testing.T) {
	t.Parallel()
	w := healthy()
	delete(w.environ, settings.KeyVariable)
	w.files = map[string]string{"main.py": "import streamlit\n", "pages/1.py": "import streamlit\n", "requirements.txt": "streamlit\n"}
	r, said, err := w.run(t)
	if err != nil || !r.OK || !strings.Contains(said, "'ploomber-cloud up' starts main.py (streamlit)") || !strings.Contains(said, "Python 3.12.1") {
		t.Errorf("%v: %s", err, said)
	}
}

func TestDoctorOffline(t *testing.T) {
	t.Parallel()
	w := healthy()
	w.args = []string{"--offline"}
	w.platform = func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked for", r.URL) }
	if r, said, err := w.run(t); err != nil || !r.OK {
		t.Errorf("%v: %s", err, said)
	}
}

// TestDoctorHidesProxyPassword: the address of a proxy may hold a password.
func TestDoctorHidesProxyPassword(t *testing.T) {
	t.Parallel()
	w := healthy()
	w.environ["HTTPS_PROXY"] = "http://ann:" + canary + "@proxy.example.com:3128"
	w.environ["http_proxy"] = "ann:" + canary + "@other.example.com:3128"
	_, said, err := w.run(t)
	if err != nil || strings.Contains(said, canary) ||
		!strings.Contains(said, "HTTPS_PROXY (proxy.example.com:3128), http_proxy (other.example.com:3128)") {
		t.Errorf("%v: %s", err, said)
	}
}

// TestDoctorOnWindows: file modes mean nothing there.
func TestDoctorOnWindows(t *testing.T) {
	t.Parallel()
	w := healthy()
	w.os = "windows"
	w.modes[".env"] = 0o644
	if r, said, err := w.run(t); err != nil || r.Warnings > 0 {
		t.Errorf("%v: %s", err, said)
	}
}

func TestDoctorLargeArchive(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args   []string
		status Status
	}{
		"known tier":   {nil, Problem},
		"unknown tier": {[]string{"--offline"}, Warning},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := healthy()
			w.args, w.once, w.patience = tc.args, true, time.Hour // the machine may be slow
			w.platform = answer(map[string]string{"/users/me": `{"_model": {"type": "community"}}`, "/projects/p-1": `{}`})
			noise := make([]byte, 51_000_000)
			x := uint64(88172645463325252)
			for i := range noise { // xorshift: does not compress
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				noise[i] = byte(x)
			}
			w.files["data.bin"] = string(noise)
			r, said, _ := w.run(t)
			last := r.Checks[len(r.Checks)-1]
			if last.Name != "archive" || last.Status != tc.status || !strings.Contains(last.Message, "larger than the 50.0 MB of the community tier") {
				t.Errorf("%s", said)
			}
		})
	}
}
