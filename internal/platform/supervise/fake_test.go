package supervise

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

// modeName is the variable that turns the test binary into an app. See apps.
const modeName = "FAKE_APP"

func TestMain(m *testing.M) {
	if mode := os.Getenv(modeName); mode != "" {
		app, ok := apps()[mode]
		if !ok {
			fmt.Println("no such fake app:", mode)
			os.Exit(99)
		}
		app()
		os.Exit(0)
	}
	leaktest.Main(m)
}

// apps are the programs the test binary can be. The first argument is the port to listen on, for those that do.
func apps() map[string]func() {
	all := map[string]func(){
		"serve": func() { serve(http.StatusOK) },
		"fail": func() {
			for i := range 25 {
				fmt.Println("line", i)
			}
			fmt.Fprintln(os.Stderr, "no module named nothing")
			os.Exit(7)
		},
		"unhealthy": func() { serve(http.StatusServiceUnavailable) },
		"broken":    func() { serve(http.StatusInternalServerError) },
		"silent":    func() { time.Sleep(time.Hour) },
		"leads on": func() {
			listen(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/ready" {
					http.Redirect(w, r, "/app", http.StatusFound)
					return
				}
				fmt.Println("Traceback (most recent call last):\nModuleNotFoundError: No module named 'PIL'")
				w.WriteHeader(http.StatusInternalServerError)
			})
		},
		"error page": func() { // as Panel and Bokeh show it
			fmt.Println("Traceback (most recent call last):\nModuleNotFoundError: No module named 'PIL'")
			serve(http.StatusOK)
		},
		"lost": func() { serve(http.StatusNotFound) },
		"elsewhere": func() {
			server := httptest.NewServer(http.NotFoundHandler())
			fmt.Println("serving at " + server.URL)
			time.Sleep(time.Hour)
		},
		"tls": func() {
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			_ = server.Listener.Close()
			l, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
			if err != nil {
				os.Exit(1)
			}
			server.Listener = l
			server.StartTLS()
			time.Sleep(time.Hour)
		},
		// prints the file in TEXT and ends
		"print": func() {
			data, _ := os.ReadFile(os.Getenv("TEXT"))
			_, _ = os.Stdout.Write(data)
			os.Exit(len(data) % 2)
		},
		// says what its file says, and does not start when that is nothing
		"saved": func() {
			data, err := os.ReadFile("app.py")
			if err != nil || len(data) == 0 {
				fmt.Println("Traceback (most recent call last):\n  File \"" + must(os.Getwd()) + "/app.py\", line 3\n    (\nSyntaxError: '(' was never closed")
				os.Exit(1)
			}
			listen(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
		},
		"based": func() {
			_ = os.WriteFile(filepath.Join(os.Getenv("ROOT"), baseName), []byte("/x/"), 0o600)
			fmt.Println("Running on http://127.0.0.1:" + os.Args[1] + "/x/ (Press CTRL+C)")
			serve(http.StatusOK)
		},
		"sleep": func() { time.Sleep(time.Hour) },
		"hello": func() { fmt.Println("hello"); fmt.Fprint(os.Stderr, "world") },
		"slow": func() {
			time.Sleep(300 * time.Millisecond)
			var asked int
			var mu sync.Mutex
			listen(func(w http.ResponseWriter, _ *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				if asked++; asked < 3 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			})
		},
		// crashes as often as the file in CRASHES has bytes, one each
		"flaky": func() {
			path := os.Getenv("CRASHES")
			data, _ := os.ReadFile(path)
			if len(data) > 0 {
				_ = os.WriteFile(path, data[1:], 0o600)
				os.Exit(4)
			}
			serve(http.StatusOK)
		},
	}
	for name, app := range systemApps() {
		all[name] = app
	}
	return all
}

func must[T any](value T, _ error) T { return value }

// listening begins the line that an app prints last before it serves.
const listening = "listening on "

// serve answers /ready with status and /env with the process's variables, and crashes at /crash.
func serve(status int) {
	fmt.Println(listening + os.Args[1])
	listen(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/crash":
			fmt.Println("about to crash")
			os.Exit(3)
		case "/env":
			_ = json.NewEncoder(w).Encode(os.Environ())
		default:
			w.WriteHeader(status)
		}
	})
}

func listen(h http.HandlerFunc) {
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], h); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// spec returns what runs a fake app in a project of its own.
func spec(t *testing.T, mode string) Spec {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Spec{
		Recipe: platform.Recipe{
			Program: filepath.Base(self), Entry: "app.py", Args: []string{"{port}", "{entry}"}, Ready: "/ready",
		},
		Dir:         dir,
		Environment: platform.Environment{Program: self},
		Environ:     os.Environ(),
		Vars:        map[string]string{modeName: mode},
		Home:        t.TempDir(),
		Log:         &log{t: t},
		Now:         time.Now,
		StopTimeout: time.Minute,
		Backoff:     func(int) time.Duration { return time.Millisecond },
		freePort: func() (int, error) { // one that nobody takes while the app has crashed
			port, release, err := freeport.Take()
			if err == nil {
				t.Cleanup(release)
			}
			return port, err
		},
	}
}

// up starts s and stops it at the end of the test.
func up(t *testing.T, s Spec) *App {
	t.Helper()
	a, err := Start(context.Background(), s)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(a.Stop)
	return a
}

// log collects what an app prints.
type log struct {
	t    *testing.T
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// eventually waits for something that is bound to happen; the limit only ends a test that has failed.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for range 2400 { // two minutes
		if happened() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}
