package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/listeners"
	"github.com/ploomber/ploomber-cloud/internal/testkit/oidcprovider"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// installerEnviron is the environment with all that installers of packages go by, such as proxies and authorities, and
// without what would change the login.
func installerEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc([]string{"AUTH_", "PLOOMBER_", "username_", "password_"}, func(ours string) bool {
			return strings.HasPrefix(name, ours)
		})
	})
}

// served is what up says of an app that answers.
type served struct {
	URL       string
	Type      string
	Entry     string
	Callbacks []string `json:"callback_urls"`
	Logouts   []string `json:"logout_urls"`

	pid int // of up
}

// onlyLoopback expects that up and all that it has started listen where other machines do not reach them.
func (s served) onlyLoopback(t *testing.T) {
	t.Helper()
	found := listeners.Of(t, s.pid)
	if len(found) < 2 {
		t.Errorf("listening on %v, want up and the app at least", found)
	}
	for _, address := range found {
		if !address.Addr().IsLoopback() {
			t.Errorf("listening on %v, want loopback only", address)
		}
	}
}

// startUp runs up in a project until the end of the test, and returns once its app answers.
func startUp(t *testing.T, dir string, environ []string, args ...string) (s served) {
	t.Helper()
	said := &output.Buffer{}
	up := exec.Command(builds.Path(t), append([]string{"up", "--json", "--no-input"}, args...)...)
	up.Dir, up.Stderr, up.WaitDelay = dir, said, time.Minute
	up.Env = append(installerEnviron(), environ...)
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
		if t.Failed() {
			t.Logf("up said:\n%s", said.String())
		}
	})
	if err := json.NewDecoder(out).Decode(&s); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.pid = up.Process.Pid
	return s
}

// "up" shows a project behind the login that it will have, and says exactly what the provider has to know for that.
func TestFrameworkUp(t *testing.T) {
	wanted(t, "flask")
	port := freeport.For(t)
	provider := oidcprovider.Start(t, settings(port))
	dir, home := filepath.Join(t.TempDir(), "app"), t.TempDir()
	example, ok := exampleOf("flask")
	if !ok {
		t.Fatal("flask has no example with a login")
	}
	if err := example.CopyTo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	env := ""
	for name, value := range oidcVars(provider.Issuer(), port, vars{"AUTH_BASE_URL": "https://deployed.example.com"}) {
		env += fmt.Sprintf("%s='%s'\n", name, value)
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte(env), 0o600); err != nil {
		t.Fatal(err)
	}
	served := startUp(t, dir, []string{"HOME=" + home, "USERPROFILE=" + home}, "--type", "flask", "--port", fmt.Sprint(port))
	if c := clientAt(port); !slices.Equal(served.Callbacks, c.Redirects) || !slices.Equal(served.Logouts, c.LogoutRedirects) {
		t.Errorf("to register: %q, %q", served.Callbacks, served.Logouts)
	}
	v := newClient(t)
	page := v.logIn(provider, served.URL+"/?x=1", "user|ann")
	if !strings.Contains(page.Body, "ann@example.com") || page.URL.RequestURI() != "/?x=1" {
		t.Errorf("at %s: %s", page.URL, page.Body)
	}
	left, err := provider.LogOut(t.Context(), v.client, served.URL+"/logout")
	if err != nil || !strings.Contains(left.Body, "You are logged out") {
		t.Errorf("logout: %+v, %v", left, err)
	}
}
