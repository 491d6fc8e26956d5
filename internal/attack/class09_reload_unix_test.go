//go:build unix

package attack

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/testkit/freeport"
)

// envFile writes variables to the file that a proxy reads again.
func envFile(t *testing.T, path string, env ...string) {
	t.Helper()
	var text strings.Builder
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&text, "%s='%s'\n", name, value)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// reload makes the proxy read its files again and returns what it says about that.
func (p *proxy) reload() string {
	p.t.Helper()
	before := len(p.log.String())
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	for deadline := time.Now().Add(startLimit); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if said := p.log.String()[before:]; strings.Contains(said, "reloaded") {
			return said
		}
	}
	p.t.Fatalf("SIGHUP is not answered:\n%s", p.log)
	return ""
}

// socketOf opens a WebSocket with a cookie.
func (p *proxy) socketOf(b *browser) *socket {
	p.t.Helper()
	s := p.dial()
	s.say(p.upgrade("/ws", b.cookie()))
	if r, err := s.answer("GET"); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		p.t.Fatalf("upgrade: %d, %v", status(r), err)
	}
	_ = s.SetReadDeadline(time.Now().Add(clientLimit))
	return s
}

// Security class 9: a password that was changed, and someone who was taken off the list, are out at the reload.
func TestClass09SessionReplayRevoked(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	file := filepath.Join(t.TempDir(), "env")
	envFile(t, file, password()...)
	p := start(t, a.url, nil, "--env-file", file)
	b := p.loggedIn()
	s := p.socketOf(b)
	wantApp(t, "before", b.get("/"))
	p.reload()
	wantApp(t, "after a reload that changed nothing", b.get("/"))
	const changed = "canary another password"
	envFile(t, file, "username_main_app="+user, "password_main_app="+changed)
	p.reload()
	wantStatus(t, "the session of the old password", b.get("/"), http.StatusUnauthorized)
	wantStatus(t, "the old password", p.bare().get("/", asBasic(user, pass)), http.StatusUnauthorized)
	wantApp(t, "the new password", p.bare().get("/", asBasic(user, changed)))
	if !s.ends() {
		t.Error("the WebSocket of the old password is still open")
	}

	env := func(allowed string) []string {
		return append(idp.environ(""), "AUTH_SECRET="+authSecret, "AUTH_ALLOWED_EMAILS="+allowed)
	}
	envFile(t, file, env("bob@example.com,"+email)...)
	address := freeport.Address(t)
	p = start(t, a.url, []string{"AUTH_BASE_URL=http://" + address}, "--env-file", file, "--listen", address)
	p.finds(idp)
	b = p.loggedInThrough(idp)
	s = p.socketOf(b)
	envFile(t, file, env("bob@example.com")...)
	p.reload()
	if r := b.get("/"); r.StatusCode == http.StatusOK {
		t.Error("someone who was taken off the list is still in")
	}
	if !s.ends() {
		t.Error("the WebSocket of someone who was taken off the list is still open")
	}
	before := p.refusals()
	if r := b.through(idp, "/"); r.StatusCode != http.StatusForbidden || p.refusals() == before && !strings.Contains(p.logged("access rules")[0], "access") {
		t.Errorf("a new login: %d", r.StatusCode)
	}
}

// A reload with a mistake in it changes nothing, says which, and does not cry that all is open.
func TestClass24ConfigurationDowngradeReload(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	file := filepath.Join(t.TempDir(), "env")
	envFile(t, file, password()...)
	p := start(t, a.url, nil, "--env-file", file)
	b := p.loggedIn()
	for name, write := range map[string]func(){
		"nothing protects":  func() { envFile(t, file, "X=y") },
		"half":              func() { envFile(t, file, "username_main_app="+user) },
		"unknown":           func() { envFile(t, file, password("AUTH_NOTHING=1")...) },
		"no file":           func() { _ = os.Remove(file) },
		"a folder":          func() { _ = os.Remove(file); _ = os.Mkdir(file, 0o700) },
		"everything public": func() { _ = os.RemoveAll(file); envFile(t, file, password("AUTH_PUBLIC_PATHS=/")...) },
	} {
		write()
		said := p.reload()
		if !strings.Contains(said, "not reloaded") || strings.Contains(said, "NOT PROTECTED") {
			t.Errorf("%s: the log says\n%s", name, said)
		}
		wantStatus(t, name, p.bare().get("/"), http.StatusUnauthorized)
		wantApp(t, name, b.get("/"))
		wantApp(t, name+", credentials", p.bare().get("/", asBasic(user, pass)))
		_ = os.RemoveAll(file)
		envFile(t, file, password()...)
	}
}

// Reloads in the middle of logins and of open streams break none of them.
func TestClass09SessionReplayReloadRace(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	file := filepath.Join(t.TempDir(), "env")
	envFile(t, file, password()...)
	p := start(t, a.url, nil, "--env-file", file)
	s := p.socketOf(p.loggedIn())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 4 {
				b := p.browser()
				page, err := b.try("GET", "/_auth/login", "", asPage)
				if err != nil {
					t.Error(err)
					return
				}
				form := url.Values{"token": {tokenField(page.body)}, "next": {"/"}, "username": {user}, "password": {pass}}
				r, err := b.try("POST", "/_auth/login", form.Encode(), asForm)
				if err != nil || r.StatusCode != http.StatusSeeOther {
					t.Errorf("login: %d, %v", status(r), err)
					return
				}
				if r, err := b.try("GET", "/", ""); err != nil || r.StatusCode != http.StatusOK {
					t.Errorf("after the login: %d, %v", status(r), err)
				}
			}
		})
	}
	for range 5 {
		p.reload()
	}
	wg.Wait()
	s.say("x")
	if c, err := s.r.ReadByte(); c != 'x' {
		t.Errorf("the WebSocket has not outlived the reloads: %v", err)
	}
}

// Sessions at rest: they survive a restart, are sealed in a file that others cannot read, and end with their secret.
func TestClass09SessionReplayAtRest(t *testing.T) {
	t.Parallel()
	a, idp := newApp(t), newProvider(t)
	idp.Answer["refresh_token"] = "refresh-canary-1"
	dir := t.TempDir()
	store := []string{"--session-store", "sqlite:" + filepath.Join(dir, "sessions.db")}
	const oldSecret, newSecret = authSecret, "canary-9xV2bN7mK4jH1gF6dS3aQ8wE5rT0yU"
	address := freeport.Address(t)
	run := func(secret string) *proxy {
		p := start(t, a.url, append(idp.environ(""), "AUTH_SECRET="+secret, "AUTH_BASE_URL=http://"+address), append([]string{"--listen", address}, store...)...)
		p.finds(idp)
		return p
	}
	halt := func(p *proxy) {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		<-p.done
		p.stopped = true
	}
	p := run(oldSecret)
	b, left := p.loggedInThrough(idp), p.loggedInThrough(idp)
	wantApp(t, "before", b.get("/"))
	wantApp(t, "before", left.get("/"))
	tokens := []string{b.session(), left.session(), accessToken, "refresh-canary-1", email, "auth0|7", "eyJ"}
	gone := p.loggedInThrough(idp)
	loggedOut := gone.cookie()
	gone.get("/logout")
	halt(p)
	wantSealed(t, dir, tokens)

	p = run(oldSecret)
	wantApp(t, "after a restart", p.bare().get("/", b.cookie()))
	wantStatus(t, "what was logged out before it", p.bare().get("/", loggedOut), http.StatusUnauthorized)
	halt(p)

	p = run(newSecret + "," + oldSecret)
	wantApp(t, "while the secret is exchanged", p.bare().get("/", b.cookie()))
	halt(p)
	wantSealed(t, dir, tokens)

	p = run(newSecret)
	wantApp(t, "renewed since", p.bare().get("/", b.cookie()))
	wantStatus(t, "not renewed since", p.bare().get("/", left.cookie()), http.StatusUnauthorized)
	halt(p)

	p = run("canary-5tG1hJ8kL3zX6cV9bN2mQ4wE7rY0uI")
	wantStatus(t, "another secret", p.bare().get("/", b.cookie()), http.StatusUnauthorized)
}

// wantSealed fails if a file of the store can be read by others, or holds what it should keep to itself.
func wantSealed(t *testing.T, dir string, secrets []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Fatalf("the store has no file: %v", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // a journal that was taken away meanwhile
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", e.Name(), info.Mode())
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range secrets {
			if bytes.Contains(data, []byte(s)) {
				t.Errorf("%s holds %q", e.Name(), s)
			}
		}
	}
}
