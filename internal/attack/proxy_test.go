package attack

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/output"
)

// The credential of most tests. What begins with canary must never be in a log.
const (
	user = "ann"
	pass = "canary horse battery"
)

const (
	startLimit = 2 * time.Minute // of a program that the race detector slows, on a machine that does other things too
	stopLimit  = 2 * time.Minute
)

// password protects everything by one password.
func password(more ...string) []string {
	return append([]string{"username_main_app=" + user, "password_main_app=" + pass}, more...)
}

// proxy is the program, running in front of an app.
type proxy struct {
	t    *testing.T
	url  string // http:// or https://, without a slash at the end
	host string // address of the public listener
	log  *output.Buffer
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // then, of its end

	stopped bool // the test has ended it

	mu      sync.Mutex
	secrets []string // handed out by this proxy: must not be in its log
}

// start runs the proxy in front of the app at upstream, with variables and further flags, until the test ends.
func start(t *testing.T, upstream string, env []string, flags ...string) *proxy {
	t.Helper()
	p := &proxy{t: t}
	p.cmd, p.log = command(t, env, append([]string{"--upstream", upstream, "--listen", "127.0.0.1:0"}, flags...)...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	t.Cleanup(p.end)
	p.host = p.logged(`\bserving"?,?[ "]*listen[=:"]*([0-9.:]+)`)[1]
	p.url = "http://" + p.host
	if slices.Contains(flags, "--tls-cert") {
		p.url = "https://" + p.host
	}
	return p
}

// command is the program in a folder and with a home of its own, so that nothing of this machine has a say.
func command(t *testing.T, env []string, flags ...string) (*exec.Cmd, *output.Buffer) {
	t.Helper()
	home := t.TempDir()
	said := &output.Buffer{}
	cmd := exec.Command(attacked(t), append([]string{"proxy"}, flags...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = home, said, said
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "USERPROFILE=" + home, "LANG=C.UTF-8", "TERM=dumb"}, env...)
	if runtime.GOOS == "windows" {
		cmd.Env = append(cmd.Env, "SystemRoot="+os.Getenv("SystemRoot"))
	}
	return cmd, said
}

// logged waits until the log has something, and returns it with its groups.
func (p *proxy) logged(pattern string) []string {
	p.t.Helper()
	wanted := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(startLimit); ; {
		if found := wanted.FindStringSubmatch(p.log.String()); found != nil {
			return found
		}
		select {
		case <-p.done:
			p.t.Fatalf("the proxy ended: %v\n%s", p.err, p.log)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the log lacks %s:\n%s", pattern, p.log)
		}
	}
}

// end stops the process as an operator does, and looks through what it has said.
func (p *proxy) end() {
	select {
	case <-p.done:
		if !p.stopped {
			p.t.Errorf("the proxy ended by itself: %v", p.err)
		}
	default:
		p.stop()
	}
	said := p.log.String()
	if found := leaks(said, p.handedOut()); len(found) > 0 {
		p.t.Errorf("the log has %q:\n%s", found, said)
	}
	if p.t.Failed() {
		p.t.Logf("the proxy said:\n%s", last(said, 1500))
	}
}

func (p *proxy) stop() {
	if runtime.GOOS == "windows" {
		_ = p.cmd.Process.Kill()
		<-p.done
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		<-p.done
		p.t.Errorf("SIGTERM does not end the proxy")
	}
}

// secret notes what must not be in the log.
func (p *proxy) secret(s string) {
	if len(s) < 8 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.secrets = append(p.secrets, s)
}

func (p *proxy) handedOut() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.secrets)
}

// never are patterns that no log of our own may have: marked secrets, also in base64, tokens, credentials, terminal
// commands, and the traces of a crash or a race.
func never() *regexp.Regexp {
	return regexp.MustCompile(`(?i)canary|Y2FuYXJ5|NhbmFye|jYW5hcn|(?-i:eyJ[A-Za-z0-9_-]{10}|(Basic|Bearer) [A-Za-z0-9+/=._-]{12})|\x1b|` +
		`panic|goroutine \d+ \[|DATA RACE|runtime error|nil pointer|%!`)
}

// leaks finds what a log must not have.
func leaks(log string, secrets []string) (found []string) {
	found = never().FindAllString(log, 5)
	for _, s := range secrets {
		if strings.Contains(log, s) {
			found = append(found, s)
		}
	}
	return found
}

// refusedStart runs the program with what it should refuse, and returns its exit code and what it said.
func refusedStart(t *testing.T, env []string, flags ...string) (int, string) {
	t.Helper()
	cmd, said := command(t, env, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		err := <-ended
		t.Fatalf("%q: it started (and ended by force: %v), and said:\n%s", flags, err, said)
	}
	if found := leaks(said.String(), nil); len(found) > 0 {
		t.Errorf("%q: the output has %q:\n%s", flags, found, said)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// wantStatus fails unless we have answered with that status, the app having had no part in it.
func wantStatus(t *testing.T, what string, r reply, status int) {
	t.Helper()
	if r.StatusCode != status || r.Header.Get("X-App") != "" {
		t.Errorf("%s: %d (by the app: %v), want %d\n%s", what, r.StatusCode, r.Header.Get("X-App") != "", status, last(r.body, 500))
	}
}

// wantApp fails unless the app has answered.
func wantApp(t *testing.T, what string, r reply) {
	t.Helper()
	if r.StatusCode != http.StatusOK || r.Header.Get("X-App") != "yes" {
		t.Errorf("%s: %d, want the app\n%s", what, r.StatusCode, last(r.body, 500))
	}
}
