package attack

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/listeners"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// Security class 20: what up starts listens on loopback only, so that the login is the only way in from another machine:
// up itself, the provider of a development login, and the app. That up has real frameworks do so too, though the code
// of the app says otherwise, is looked at where those are started.
func TestClass20DirectAccess(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		missing(t, "python3")
	}
	const app = "import http.server, os\n" +
		"http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
	dir, home := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte(app), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &output.Buffer{}
	up := exec.Command(attacked(t), "up", "--dev-login", "--json", "--no-input", "--command", "python3 app.py")
	up.Dir, up.Stderr, up.WaitDelay = dir, said, 10*time.Second
	up.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	ownGroup(up)
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = up.Process.Signal(syscall.SIGINT)
		_ = up.Wait() // 130: interrupted
		killGroup(up)
	})
	if err := json.NewDecoder(out).Decode(&struct{ URL string }{}); err != nil { // comes once the app answers
		t.Fatalf("%v\n%s", err, said)
	}
	found := listeners.Of(t, up.Process.Pid)
	if len(found) != 3 {
		t.Errorf("listening on %v, want three addresses: up, the provider, the app", found)
	}
	for _, address := range found {
		if !address.Addr().IsLoopback() {
			t.Errorf("listening on %v, want loopback only", address)
		}
	}
}

// --public opens what has no login, and takes none away.
func TestClass24ConfigurationDowngradePublic(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("PLOOMBER_PROXY_PUBLIC=true"), "--public")
	wantStatus(t, "with a password", p.bare().get("/"), http.StatusUnauthorized)
	p = start(t, a.url, []string{"username_api=bot", "password_api=" + pass}, "--public")
	wantStatus(t, "the part with a password", p.bare().get("/api/x"), http.StatusUnauthorized)
	wantStatus(t, "in capitals", p.bare().get("/API/x"), http.StatusUnauthorized)
	wantApp(t, "the rest", p.bare().get("/"))
	p.logged("NOT PROTECTED")
}

// An app that is reached by https has to prove who it is.
func TestClass18SSRFUpstreamCertificate(t *testing.T) {
	t.Parallel()
	impostor := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-App", "yes") }))
	impostor.Config.ErrorLog = log.New(io.Discard, "", 0)
	impostor.StartTLS()
	t.Cleanup(impostor.Close)
	p := start(t, impostor.URL, password())
	if r := p.loggedIn().get("/"); r.StatusCode < 500 || r.Header.Get("X-App") != "" {
		t.Errorf("an app with a certificate of its own making answers: %d", r.StatusCode)
	}
}
