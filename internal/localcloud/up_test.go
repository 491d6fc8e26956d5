package localcloud

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// miniature is an app on Python's standard library only, so that its environment takes nothing to install.
const miniature = `
import os, sys, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crash":
            os._exit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(("hello " + os.environ.get("GREETING", "") + " " + self.headers.get("X-Auth-Name", "nobody")).encode())
print("listening", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`

// options runs the miniature app behind a login that lets everyone in who says the password.
func options(t *testing.T) (UpOptions, *recorder) {
	t.Helper()
	rec := &recorder{}
	return UpOptions{
		Dir:      project(t, map[string]string{"app.py": miniature, "requirements.txt": ""}),
		Vars:     map[string]string{"GREETING": "from .env"},
		Environ:  environ(t),
		CacheDir: t.TempDir(),
		Address:  "127.0.0.1:0",
		Protect:  protect,
		AppLog:   &rec.log,
		Notify:   rec.notify,
		Now:      time.Now,
		Recipe: &platform.Recipe{
			Program: "python", Entry: "app.py", Args: []string{"{entry}", "{port}"}, Ready: "/",
		},
	}, rec
}

func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// environ returns the variables of the test, which must lead to a Python.
func environ(t *testing.T) []string {
	t.Helper()
	env := os.Environ()
	if _, err := platform.FindProgram(env, "python3", "python"); err != nil {
		if os.Getenv("PLOOMBER_TEST_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip("no Python here")
	}
	return env
}

func protect(upstream, _ *url.URL) (http.Handler, error) {
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(upstream)
			r.Out.Host = r.In.Host
			r.Out.Header.Set("X-Auth-Name", "ann")
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != "open sesame" {
			http.Error(w, "authentication required", http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}), nil
}

type recorder struct {
	mu     sync.Mutex
	events []platform.Event
	log    output.Buffer
}

func (r *recorder) notify(e platform.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

// phases returns the phases so far, each run of equal ones once.
func (r *recorder) phases() []platform.Phase {
	r.mu.Lock()
	defer r.mu.Unlock()
	var phases []platform.Phase
	for _, e := range r.events {
		phases = append(phases, e.Phase)
	}
	return slices.Compact(phases)
}

// ask gets a page with a password; status 0 means that nobody answered.
func ask(t *testing.T, u *url.URL, password string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("ann", password)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

func TestUp(t *testing.T) {
	t.Parallel()
	o, rec := options(t)
	before := snapshot(t, o.Dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := Up(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if code, body := ask(t, r.URL(), ""); code != http.StatusUnauthorized || strings.Contains(body, "hello") {
		t.Errorf("without the password: %d %s", code, body)
	}
	if code, body := ask(t, r.URL(), "open sesame"); code != http.StatusOK || body != "hello from .env ann" {
		t.Errorf("with the password: %d %s", code, body)
	}
	cancel()
	if err := r.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait: %v", err)
	}
	r.Close() // harmless
	for what, u := range map[string]*url.URL{"the server": r.URL(), "the app": r.app.URL()} {
		if c, err := net.Dial("tcp", u.Host); err == nil {
			_ = c.Close()
			t.Errorf("%s still listens on %s", what, u.Host)
		}
	}
	want := []platform.Phase{platform.Building, platform.Built, platform.Starting, platform.Ready, platform.Stopping, platform.Stopped}
	if got := rec.phases(); !slices.Equal(got, want) {
		t.Errorf("phases %v, want %v", got, want)
	}
	if !strings.Contains(rec.log.String(), "listening\n") {
		t.Errorf("log %q", rec.log.String())
	}
	if after := snapshot(t, o.Dir); after != before {
		t.Errorf("project changed:\n%s\nbefore\n%s", after, before)
	}
}

func TestUpAgain(t *testing.T) {
	t.Parallel()
	o, _ := options(t)
	o.NoBuild = true
	var problem *platform.Problem
	if _, err := Up(context.Background(), o); !errors.As(err, &problem) {
		t.Fatalf("without any environment: %v", err)
	}
	for _, noBuild := range []bool{false, false, true} {
		o.NoBuild = noBuild
		r, err := Up(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
}

// Of a project that is here for one run nothing is left but its environment, which others with the same requirements use.
func TestUpForgets(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"kept": false, "forgotten": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, _ := options(t)
			o.Forget = forget
			r, err := Up(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			projects, err := os.ReadDir(filepath.Join(o.CacheDir, "projects"))
			if err != nil || (len(projects) == 0) != forget {
				t.Errorf("%v, %v", projects, err)
			}
			if envs, err := os.ReadDir(filepath.Join(o.CacheDir, "envs")); err != nil || len(envs) == 0 {
				t.Errorf("no environment is left: %v", err)
			}
		})
	}
}

func TestUpFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	for name, tc := range map[string]struct {
		change func(*UpOptions)
		want   string
		last   platform.Phase // how far it comes; -1 for nowhere
	}{
		"unknown framework": {
			change: func(o *UpOptions) { o.Recipe, o.App = nil, platform.App{Framework: "fortran"} }, want: `type "fortran"`, last: -1,
		},
		"no app": {change: func(o *UpOptions) { o.Recipe.Entry = "main.py" }, want: "main.py not found", last: -1},
		"requirements of a file that is missing": {
			change: func(o *UpOptions) {
				_ = os.WriteFile(filepath.Join(o.Dir, "requirements.txt"), []byte("-r missing.txt"), 0o600)
			},
			want: "missing.txt: No such file or directory", last: -1,
		},
		"port taken": {change: func(o *UpOptions) { o.Address = taken.Addr().String() }, want: taken.Addr().String(), last: -1},
		"app ends at once": {
			change: func(o *UpOptions) {
				_ = os.WriteFile(filepath.Join(o.Dir, "app.py"), []byte("import nothing_like_it"), 0o600)
			},
			want: "exited with code 1", last: platform.Starting,
		},
		"login is wrong": {
			change: func(o *UpOptions) {
				o.Protect = func(*url.URL, *url.URL) (http.Handler, error) { return nil, errors.New("no issuer") }
			},
			want: "no issuer", last: platform.Starting,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, rec := options(t)
			tc.change(&o)
			r, err := Up(context.Background(), o)
			if err == nil {
				r.Close()
				t.Fatal("it is up")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q, want %q", err, tc.want)
			}
			last := platform.Phase(-1)
			if phases := rec.phases(); len(phases) > 0 {
				last = phases[len(phases)-1]
			}
			if last != tc.last {
				t.Errorf("came as far as %v, want %v", last, tc.last)
			}
			var problem *platform.Problem
			if name == "app ends at once" && (!errors.As(err, &problem) || !strings.Contains(strings.Join(problem.Output, "\n"), "nothing_like_it")) {
				t.Errorf("the error does not show what the app printed: %+v", problem)
			}
		})
	}
}

func TestUpIsCancelled(t *testing.T) {
	t.Parallel()
	for _, phase := range []platform.Phase{platform.Building, platform.Starting} {
		t.Run(phase.String(), func(t *testing.T) {
			t.Parallel()
			o, rec := options(t)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			o.Notify = func(e platform.Event) {
				rec.notify(e)
				if e.Phase == phase {
					cancel()
				}
			}
			if r, err := Up(ctx, o); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, %v", r, err)
			}
			if slices.Contains(rec.phases(), platform.Ready) {
				t.Error("ready although cancelled before")
			}
		})
	}
}

func TestCrashBehindTheLogin(t *testing.T) {
	t.Parallel()
	o, rec := options(t)
	r, err := Up(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ask(t, r.URL().JoinPath("crash"), "open sesame")
	for range 2400 { // two minutes
		if code, _ := ask(t, r.URL(), "open sesame"); code == http.StatusOK && slices.Contains(rec.phases(), platform.Restarted) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("the app did not come back: %v", rec.phases())
}

// snapshot lists the files of dir with size, mode and time of change.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&out, path, info.Size(), info.Mode(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestFlask runs the real framework. Its environment is kept between runs in PLOOMBER_TEST_CACHE, or in the
// user's cache folder.
func TestFlask(t *testing.T) {
	t.Parallel()
	cache := os.Getenv("PLOOMBER_TEST_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "ploomber-cloud-test")
	}
	o, rec := options(t)
	o.Recipe, o.App, o.CacheDir = nil, platform.App{Framework: platform.Flask, Entry: "app.py"}, cache
	o.Environ = append(o.Environ, "PLOOMBER_CLOUD_KEY=test-key")
	o.InstallLog = &rec.log
	o.Dir = project(t, map[string]string{
		"requirements.txt": "flask>=3,<4\n",
		"beside.py":        "",
		"app.py": `import os, flask, beside
app = flask.Flask(__name__)
@app.get("/")
def index():
    user = flask.request.headers.get("X-Auth-Name")
    return f"hello {user} {os.environ['GREETING']} {'PLOOMBER_CLOUD_KEY' in os.environ}"
`,
	})
	before := snapshot(t, o.Dir)
	r, err := Up(context.Background(), o)
	if err != nil {
		t.Fatalf("%v\n%s", err, rec.log.String())
	}
	defer r.Close()
	if code, body := ask(t, r.URL(), "open sesame"); code != http.StatusOK || body != "hello ann from .env False" {
		t.Errorf("the page: %d %s", code, body)
	}
	if code, _ := ask(t, r.URL(), ""); code != http.StatusUnauthorized {
		t.Errorf("without the password: %d", code)
	}
	r.Close()
	if after := snapshot(t, o.Dir); after != before {
		t.Errorf("project changed:\n%s\nbefore\n%s", after, before)
	}
	lines := bufio.NewScanner(strings.NewReader(rec.log.String()))
	for lines.Scan() {
		if strings.Contains(lines.Text(), "test-key") {
			t.Errorf("the API key is in the log: %s", lines.Text())
		}
	}
}
