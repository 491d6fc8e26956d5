//go:build unix

package e2e

import (
	"bytes"
	"cmp"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
)

// entrance is a way to an app without a login. It counts WebSockets.
type entrance struct {
	*httptest.Server
	sockets atomic.Int64 // opened so far
}

func newEntrance(t *testing.T, app *url.URL) *entrance {
	t.Helper()
	e := &entrance{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(app)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Auth-Name", "ann@example.com")
	}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			e.sockets.Add(1)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(e.CloseClientConnections)
	return e
}

// A page goes on after its app was frozen, without a new connection if the recipe says that the app can be frozen whatever
// is connected. For the recipes this was tried for longer than any time limit between a page and its app: PLOOMBER_TEST_FREEZE
// is such a duration. Usually it is short, as most of the test would be waiting.
func TestFrameworkFreeze(t *testing.T) {
	frozen, err := time.ParseDuration(cmp.Or(os.Getenv("PLOOMBER_TEST_FREEZE"), "1s"))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range frameworks() {
		t.Run(name, func(t *testing.T) {
			wanted(t, name)
			t.Parallel()
			recipe, ok := platform.RecipeFor(platform.Framework(name), runtime.GOOS)
			if !ok {
				t.Fatal("no recipe")
			}
			app, output := launchExample(t, name, f, recipe)
			e := newEntrance(t, app.URL())
			v := &viewer{t: t}
			v.openTab(startBrowser(t, true), e.URL+f.page)
			v.sees(f.shown)
			if f.sockets {
				eventually(t, "the page's content comes through the WebSocket", func() bool { received, _ := v.page.WebSockets(); return received > 0 })
			}
			before := e.sockets.Load()
			if err := app.Freeze(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(frozen)
			thawed := time.Now()
			if err := app.Thaw(); err != nil {
				t.Fatal(err)
			}
			answer, err := http.Get(e.URL + f.ready)
			if err != nil || answer.StatusCode != http.StatusOK {
				t.Fatalf("after the thaw: %v, %v", answer, err)
			}
			_ = answer.Body.Close()
			t.Logf("%s answers %v after the thaw", name, time.Since(thawed))
			for _, step := range f.use {
				v.until(step)
			}
			if f.types != "" {
				v.types(f.types)
				v.press(kb.Enter)
				v.sees(f.says)
			}
			if n := e.sockets.Load() - before; n > 0 && recipe.Freezes == platform.FreezeAlways {
				t.Errorf("the page had to open %d new WebSockets", n)
			}
			if said, err := os.ReadFile(output); err != nil || bytes.Contains(said, []byte("WORKER TIMEOUT")) {
				t.Errorf("the thaw ended a worker: %v\n%s", err, said)
			}
		})
	}
}

// launchExample runs the framework's example as a platform does, and returns the file with its output too.
func launchExample(t *testing.T, name string, f framework, recipe platform.Recipe) (*supervise.Instance, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	example, ok := exampleOf(name)
	if !ok {
		t.Fatalf("%s has no example with a login", name)
	}
	if err := example.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	env := frameworkEnvironment(t, name, f)
	built := platform.Environment{Bin: env.Bin()}
	if recipe.Runtime == platform.R {
		program, err := platform.FindProgram(os.Environ(), recipe.Program)
		if err != nil {
			t.Fatal(err)
		}
		built = platform.Environment{Program: program}
	}
	home := t.TempDir()
	output := filepath.Join(home, "output")
	i, err := supervise.Launch(t.Context(), supervise.InstanceSpec{
		Recipe: recipe, Dir: dir, Environment: built, Environ: os.Environ(), Home: filepath.Join(home, "app"), Data: filepath.Join(home, "data"),
		Output: output, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		i.Stop(5 * time.Second)
		if t.Failed() {
			said, _ := os.ReadFile(output)
			t.Logf("the app said:\n%s", said)
		}
	})
	return i, output
}
