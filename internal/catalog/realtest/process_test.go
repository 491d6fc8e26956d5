package realtest

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

const startLimit = 3 * time.Minute // on a machine that does other things too

// app is a running example.
type app struct{ url *url.URL }

// start runs the command in dir until the test ends and returns when the path ready answers 200.
func start(t *testing.T, dir string, port int, ready string, env, command []string) app {
	t.Helper()
	var said output.Buffer
	home := t.TempDir()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	cmd.WaitDelay = time.Minute // for the end of processes that it has started, which write into these folders
	cmd.Env = append([]string{
		"PATH=" + filepath.Dir(command[0]) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + home, "USERPROFILE=" + home, "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8",
	}, env...)
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		killGroup(cmd)
		if err := <-ended; t.Failed() {
			t.Logf("the app ended (%v) and said:\n%s", err, said.String())
		}
	})
	address := fmt.Sprintf("http://127.0.0.1:%d", port)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	for !answers(ctx, address+ready) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the app ended: %v", err)
		case <-ctx.Done():
			t.Fatalf("%s does not answer after %v", address+ready, startLimit)
		case <-time.After(200 * time.Millisecond):
		}
	}
	return app{u}
}

func answers(ctx context.Context, url string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// proxy stands in front of an app as the product's own does: it names the user and owns two paths.
type proxy struct {
	*httptest.Server
	mu   sync.Mutex
	left []string // GET requests to the paths that log out
}

func front(t *testing.T, a app, user string) *proxy {
	t.Helper()
	p := &proxy{}
	pass := &httputil.ReverseProxy{ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(a.url)
		r.Out.Host = r.In.Host // Streamlit and Panel compare it with Origin
		r.Out.Header.Del("X-Auth-Name")
		if user != "" {
			r.Out.Header.Set("X-Auth-Name", user)
		}
	}}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || !slices.Contains([]string{"/logout", "/exit"}, r.URL.Path) {
			pass.ServeHTTP(w, r)
			return
		}
		p.mu.Lock()
		p.left = append(p.left, r.URL.Path)
		p.mu.Unlock()
		_, _ = w.Write([]byte("logged out"))
	}))
	t.Cleanup(func() { p.CloseClientConnections(); p.Close() })
	return p
}

// loggedOut returns when the browser has asked for path.
func (p *proxy) loggedOut(ctx context.Context, path string) error {
	for {
		p.mu.Lock()
		left := slices.Clone(p.left)
		p.mu.Unlock()
		if slices.Contains(left, path) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no GET %s: %w", path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
