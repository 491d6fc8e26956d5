package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
	"github.com/ploomber/ploomber-cloud/internal/testkit/program"
)

// patience is how long anything may take on a machine that does other things too.
const patience = 2 * time.Minute

var builds program.Builds

func TestMain(m *testing.M) { os.Exit(builds.Main(m)) }

// vars are the settings of a proxy: AUTH_* and the passwords.
type vars map[string]string

// proxyOptions say how a proxy is started.
type proxyOptions struct {
	port     int // that users use; 0 takes a free one
	upstream string
	vars     vars     // go into a file of their own
	args     []string // more of them
}

// proxy is one process of the program.
type proxy struct {
	t       *testing.T
	options proxyOptions
	url     string // where users come in
	private string // where health is told
	envFile string
	home    string

	cmd   *exec.Cmd
	ended chan error
	said  *output.Buffer
}

// startProxy runs the program until the test ends and returns when it serves, and has found its providers.
func startProxy(t *testing.T, o proxyOptions) *proxy {
	t.Helper()
	if o.port == 0 {
		o.port = freeport.For(t)
	}
	dir := t.TempDir()
	p := &proxy{t: t, options: o, said: &output.Buffer{}, home: dir, envFile: filepath.Join(dir, ".env"),
		url: fmt.Sprintf("http://127.0.0.1:%d", o.port), private: fmt.Sprintf("http://127.0.0.1:%d", freeport.For(t))}
	p.configure(o.vars)
	t.Cleanup(func() {
		p.kill()
		p.keepsSecrets()
		if t.Failed() {
			t.Logf("the proxy at %s said:\n%s", p.url, p.said.String())
		}
	})
	p.start()
	if slices.ContainsFunc(slices.Collect(maps.Keys(o.vars)), func(name string) bool { return strings.HasSuffix(name, "_ISSUER_BASE_URL") }) {
		p.findsProviders()
	}
	return p
}

// findsProviders waits until people can log in: on a busy machine a provider may not answer the first question in time.
func (p *proxy) findsProviders() {
	p.t.Helper()
	p.eventually("the proxy finds its providers", func() bool { ok, _ := p.ready(); return ok })
}

// configure writes the settings to the file that the proxy reads at its start and when it is told to.
func (p *proxy) configure(v vars) {
	p.t.Helper()
	var text strings.Builder
	for name, value := range v {
		fmt.Fprintf(&text, "%s='%s'\n", name, strings.ReplaceAll(value, "'", `\'`))
	}
	if err := os.WriteFile(p.envFile, []byte(text.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *proxy) start() {
	p.t.Helper()
	args := slices.Concat([]string{"proxy", "--upstream", p.options.upstream, "--listen", strings.TrimPrefix(p.url, "http://"),
		"--private-listen", strings.TrimPrefix(p.private, "http://"), "--env-file", p.envFile, "--log-format", "json"}, p.options.args)
	p.cmd = exec.Command(builds.Path(p.t), args...)
	p.cmd.Dir = p.home
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.home, "USERPROFILE=" + p.home}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.WaitDelay = p.said, p.said, 5*time.Second
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	cmd, ended := p.cmd, make(chan error, 1)
	p.ended = ended
	go func() { ended <- cmd.Wait() }()
	p.eventually("the proxy serves", func() bool {
		select {
		case err := <-ended:
			ended <- err
			p.t.Fatalf("the proxy ended: %v\n%s", err, p.said.String())
		default:
		}
		answer, err := http.Get(p.private + "/healthz")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
}

// stop ends the proxy as a service manager does, and expects that it agrees.
func (p *proxy) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case err := <-p.ended:
		p.ended <- err
		if err != nil {
			p.t.Errorf("after SIGTERM the proxy ended with %v", err)
		}
	case <-time.After(patience):
		p.t.Fatal("the proxy goes on after SIGTERM")
	}
}

func (p *proxy) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Kill()
		err := <-p.ended
		p.ended <- err
	}
}

func (p *proxy) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// reload hands the proxy other settings while it runs, and returns when it has them.
func (p *proxy) reload(v vars) {
	p.t.Helper()
	before := p.logged("reloaded")
	p.configure(v)
	p.signal(syscall.SIGHUP)
	p.eventually("the proxy has reloaded", func() bool { return p.logged("reloaded") > before })
}

// logged counts the log lines with a message.
func (p *proxy) logged(message string) (n int) {
	for line := range strings.Lines(p.said.String()) {
		var entry struct{ Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == message {
			n++
		}
	}
	return n
}

// keepsSecrets searches all that the proxy has said for what must not be in it: what it was configured with, tokens,
// codes, and whatever else a test has seen.
func (p *proxy) keepsSecrets(seen ...string) {
	p.t.Helper()
	said := p.said.String()
	for name, value := range p.options.vars {
		if strings.Contains(name, "SECRET") || strings.HasPrefix(name, "password") {
			seen = append(seen, strings.Split(value, ",")...)
		}
	}
	for _, secret := range append(seen, "code=", "code_verifier", "eyJ") { // a JWT begins so
		if secret != "" && strings.Contains(said, secret) {
			p.t.Errorf("the log holds %q", secret)
		}
	}
}

// ready asks the private listener whether people can log in.
func (p *proxy) ready() (bool, string) {
	answer, err := http.Get(p.private + "/readyz")
	if err != nil {
		return false, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return false, err.Error()
	}
	return answer.StatusCode == http.StatusOK, string(body)
}

func (p *proxy) eventually(what string, is func() bool) {
	p.t.Helper()
	eventually(p.t, what, is)
}

// eventually waits until something has become true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("not after %v: %s", patience, what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
