package proxycmd

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

func TestServes(t *testing.T) {
	t.Parallel()
	w := start(t, hello, login, nil)
	for password, want := range map[string]int{"first-password": http.StatusOK, "wrong": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		if code, body := newClient(t, password).get(t, "http://"+w.public+"/"); code != want || (body == "hello ann") != (want == http.StatusOK) {
			t.Errorf("password %q: %d %s", password, code, body)
		}
	}
	w.signals <- syscall.SIGTERM
	if code := w.end(); code != failure.Done {
		t.Errorf("exit status %d", code)
	}
	if said := w.cmd.Said(nil); strings.Contains(said, "first-password") || !strings.Contains(said, "everything: password (user ann)") {
		t.Error(said)
	}
}

func TestPublicIsLoud(t *testing.T) {
	t.Parallel()
	w := start(t, hello, "", func(o *Options) { o.Public = true })
	if code, body := newClient(t, "").get(t, "http://"+w.public+"/"); code != http.StatusOK || body != "hello " {
		t.Errorf("%d %s", code, body)
	}
	if said := w.cmd.Said(nil); len(lines(said, "level=WARN msg=\"NOT PROTECTED")) != 1 {
		t.Error(said)
	}
}

// Health and metrics are at the private listener alone: on the public one the app has their paths.
func TestPrivateListener(t *testing.T) {
	t.Parallel()
	app := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "the app's "+r.URL.Path) }
	w := start(t, app, login, func(o *Options) { o.PrivateListen = "127.0.0.1:0" })
	client := newClient(t, "first-password")
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n", "/metrics": "# HELP "} {
		if code, body := client.get(t, "http://"+w.public+path); code != http.StatusOK || body != "the app's "+path {
			t.Errorf("public %s: %d %s", path, code, body)
		}
		if code, _ := newClient(t, "").get(t, "http://"+w.public+path); code != http.StatusUnauthorized {
			t.Errorf("public %s without a login: %d", path, code)
		}
		if code, body := newClient(t, "").get(t, "http://"+w.private+path); code != http.StatusOK || !strings.HasPrefix(body, want) {
			t.Errorf("private %s: %d %s", path, code, body)
		}
	}
	for _, path := range []string{"/", "/_auth/login", "/healthz/", "/debug/pprof/"} {
		if code, _ := client.get(t, "http://"+w.private+path); code != http.StatusNotFound {
			t.Errorf("private %s: %d", path, code)
		}
	}
	reply, err := http.Post("http://"+w.private+"/healthz", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = reply.Body.Close()
	if reply.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", reply.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}

// An app that does not answer is no reason to call the proxy unready: clients may log in meanwhile.
func TestReadyWithoutTheApp(t *testing.T) {
	t.Parallel()
	w := start(t, hello, login, func(o *Options) { o.PrivateListen, o.Upstream = "127.0.0.1:0", "http://127.0.0.1:1" })
	if code, body := newClient(t, "").get(t, "http://"+w.private+"/readyz"); code != http.StatusOK {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := newClient(t, "first-password").get(t, "http://"+w.public+"/"); code != http.StatusServiceUnavailable {
		t.Errorf("the starting page: %d", code)
	}
}

// A port that another program has is told with the flag and what to do.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	o := Options{Machine: Machine{Listen: server.Listen}}
	_, err = o.listen(t.Context(), "listen", other.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "another program is using "+other.Addr().String()) ||
		!strings.Contains(failure.Hint(err), "--listen") {
		t.Errorf("%v, hint %q", err, failure.Hint(err))
	}
}

// A provider that cannot be reached is: the proxy starts, says in one line what is missing, and serves its sessions.
func TestNotReadyWithoutTheProvider(t *testing.T) {
	t.Parallel()
	issuer := "http://127.0.0.1:1" // nobody is there
	env := "AUTH_CLIENT_ID=id\nAUTH_CLIENT_SECRET=CANARY_secret\nAUTH_SECRET=CANARY-7Yw1Zt4uJq0XcVbN8mRsEd2LfKpGh3Ta\n" +
		"AUTH_BASE_URL=https://app.example.com\nAUTH_ISSUER_BASE_URL=" + issuer + "\n"
	w := start(t, hello, env, func(o *Options) {
		o.PrivateListen = "127.0.0.1:0"
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		o.Transport = func() (http.RoundTripper, error) { return transport, nil }
	})
	code, body := newClient(t, "").get(t, "http://"+w.private+"/readyz")
	if code != http.StatusServiceUnavailable || !strings.HasPrefix(body, "not ready: provider "+issuer) || strings.Count(body, "\n") != 1 {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := newClient(t, "").get(t, "http://"+w.private+"/healthz"); code != http.StatusOK {
		t.Errorf("health: %d", code)
	}
	w.says("callback=https://app.example.com/callback")
	if said := w.cmd.Said(nil); strings.Contains(said, "CANARY") {
		t.Error(said)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	app := func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole")
	}
	w := start(t, app, login, func(o *Options) { o.PrivateListen, o.ShutdownTimeout = "127.0.0.1:0", time.Hour })
	answer := make(chan string)
	client := newClient(t, "first-password")
	go func() { _, body := client.get(t, "http://"+w.public+"/slow"); answer <- body }()
	<-entered
	w.signals <- syscall.SIGTERM
	w.says("msg=stopping")
	for { // the listener closes a moment later
		c, err := net.Dial("tcp", w.public)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	if code, body := newClient(t, "").get(t, "http://"+w.private+"/readyz"); code != http.StatusServiceUnavailable || body != "not ready: stopping\n" {
		t.Errorf("readiness: %d %s", code, body)
	}
	if code, _ := newClient(t, "").get(t, "http://"+w.private+"/healthz"); code != http.StatusOK {
		t.Errorf("health: %d", code)
	}
	w.signals <- syscall.SIGHUP // does not cut short the drain
	close(leave)
	if got := <-answer; got != "whole" {
		t.Errorf("the request under way got %q", got)
	}
	if code := w.end(); code != failure.Done {
		t.Errorf("exit status %d", code)
	}
}

// What does not finish is cut: when its time is over, or when someone asks twice.
func TestDrainIsCut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		timeout time.Duration
		signals []os.Signal
		code    int
	}{
		"after its time":    {time.Millisecond, []os.Signal{syscall.SIGTERM}, failure.Done},
		"by another signal": {time.Hour, []os.Signal{syscall.SIGTERM, syscall.SIGTERM}, failure.Done},
		"by Ctrl-C":         {time.Millisecond, []os.Signal{os.Interrupt}, failure.Interrupted},
		"by Ctrl-C, twice":  {time.Hour, []os.Signal{os.Interrupt, os.Interrupt}, failure.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entered := make(chan struct{})
			app := func(_ http.ResponseWriter, r *http.Request) { close(entered); <-r.Context().Done() }
			w := start(t, app, login, func(o *Options) { o.ShutdownTimeout = tc.timeout })
			client := newClient(t, "first-password")
			answer := make(chan int)
			go func() { code, _ := client.get(t, "http://"+w.public+"/"); answer <- code }()
			<-entered
			for _, s := range tc.signals {
				w.signals <- s
			}
			if code := <-answer; code != 0 {
				t.Errorf("an answer that never came has the status %d", code)
			}
			if code := w.end(); code != tc.code {
				t.Errorf("exit status %d, want %d", code, tc.code)
			}
			w.says("unfinished requests were cut")
		})
	}
}

func TestTermClosesWebSockets(t *testing.T) {
	t.Parallel()
	w := start(t, echo, login, func(o *Options) { o.ShutdownTimeout = time.Hour })
	c := dialEcho(t, w)
	w.signals <- syscall.SIGTERM
	if _, _, err := c.Read(t.Context()); err == nil {
		t.Error("the WebSocket is still open")
	}
	if code := w.end(); code != failure.Done {
		t.Errorf("exit status %d", code)
	}
}

// echo is an app with a WebSocket that says what it hears.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	for {
		kind, data, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

func dialEcho(t *testing.T, w *instance) *websocket.Conn {
	t.Helper()
	client := newClient(t, "")
	c, _, err := websocket.Dial(t.Context(), "ws://ann:first-password@"+w.public+"/", &websocket.DialOptions{HTTPClient: client.http})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func TestTakenAddress(t *testing.T) {
	t.Parallel()
	w := start(t, hello, login, nil)
	o := *w.options
	o.Listen, o.Machine.Listen = w.public, server.Listen
	err := o.Run(context.Background())
	if failure.Code(err) != failure.Failed || !strings.Contains(err.Error(), "--listen: ") || !strings.Contains(err.Error(), w.public) {
		t.Errorf("%v", err)
	}
}

// TLS from files: HTTP/2 where the client can, nothing older than TLS 1.2.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, pool := certify(t, dir, "one", time.Now().Add(time.Hour))
	w := start(t, hello, login, func(o *Options) { o.TLSCert, o.TLSKey = cert, key })
	_, port, _ := net.SplitHostPort(w.public)
	for version, want := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		c, err := tls.Dial("tcp", w.public, &tls.Config{
			RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS10, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"},
		})
		if (err == nil) != want {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			if got := c.ConnectionState().NegotiatedProtocol; got != "h2" {
				t.Errorf("%s: protocol %q", tls.VersionName(version), got)
			}
			_ = c.Close()
		}
	}
	client := newClient(t, "first-password")
	client.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if code, body := client.get(t, "https://localhost:"+port+"/"); code != http.StatusOK || body != "hello ann" {
		t.Errorf("%d %s", code, body)
	}
	_ = os.Remove(filepath.Join(dir, "one.key"))
}
