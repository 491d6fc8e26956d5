package authproxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// patience is how long anything may take on a machine that does other things too.
const patience = time.Minute

// environment is an app behind a proxy, both on loopback, with a clock that can be moved.
type environment struct {
	t     *testing.T
	proxy *authproxy.Proxy
	url   string // of the proxy
	host  string
	logs  *syncBuffer

	behind proxytest.App

	mu    sync.Mutex
	shift time.Duration
}

// syncBuffer collects log lines of several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

const (
	user = "ann"
	pass = "correct horse"
)

const longSecret = "kX3-vB9_qL2zR7wT5yU8iO1pA4sD6fG0hJ" // random enough, and used nowhere

// mainApp protects everything by a password.
func mainApp() config.Config {
	return config.Config{Passwords: map[config.Feature]config.Login{
		config.MainApp: {Username: user, Password: pass}}}
}

// newEnvironment starts an app that answers with what it saw and echoes WebSockets. app may be nil.
func newEnvironment(t *testing.T, c config.Config, app http.Handler) *environment {
	t.Helper()
	return newEnvironmentWith(t, c, app, nil)
}

func newEnvironmentWith(t *testing.T, c config.Config, app http.Handler, store session.Store) *environment {
	t.Helper()
	w := &environment{t: t, logs: &syncBuffer{}}
	if app == nil {
		app = w.app()
	}
	var err error
	w.proxy, err = authproxy.New(c, authproxy.Options{Upstream: proxytest.Start(t, app), Now: w.now, Random: rand.Reader, Store: store,
		BcryptCost: bcrypt.MinCost, Log: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	w.url = w.serve(w.proxy)
	w.host = strings.TrimPrefix(w.url, "http://")
	return w
}

// serve puts the proxy on a port of its own.
func (w *environment) serve(p *authproxy.Proxy) string {
	w.t.Helper()
	return w.serveOn(p, listen(w.t))
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (w *environment) serveOn(p *authproxy.Proxy, l net.Listener) string {
	s := server.Serve(l, server.Options{Handler: p, Now: time.Now, ConnContext: authproxy.ConnContext})
	w.t.Cleanup(func() {
		_ = p.Close()
		s.Close()
	})
	return "http://" + l.Addr().String()
}

func (w *environment) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.shift)
}

func (w *environment) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shift += d
}

func (w *environment) app() http.Handler { return &w.behind }

// taken returns what the app has got since the last call.
func (w *environment) taken() []proxytest.Request { return w.behind.Taken() }

// reply is an answer, read to its end.
type reply struct {
	*http.Response
	body string
}

func (r reply) location() string { return r.Header.Get("Location") }

func (r reply) cookie(prefix string) *http.Cookie {
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, prefix) {
			return c
		}
	}
	return nil
}

// browser keeps cookies and does not follow redirects.
type browser struct {
	w      *environment
	client *http.Client
}

func (w *environment) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	transport := &http.Transport{} // not the default one, which other tests' servers close
	w.t.Cleanup(transport.CloseIdleConnections)
	return &browser{w, &http.Client{Transport: transport, Jar: jar, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request; header lines are "Name: value".
func (b *browser) do(method, path, body string, header ...string) reply {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, b.w.url+path, strings.NewReader(body))
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header[name] = append(r.Header[name], value)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.w.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		b.w.t.Fatalf("%s %s: body: %v", method, path, err)
	}
	return reply{answer, string(got)}
}

func (b *browser) get(path string, header ...string) reply {
	b.w.t.Helper()
	return b.do("GET", path, "", header...)
}

const (
	asPage = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	asForm = "Content-Type: application/x-www-form-urlencoded"
)

func asBasic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return "Authorization: " + r.Header.Get("Authorization")
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]*)"`)

// login opens the login page, fills in the form and sends it.
func (b *browser) login(next, user, password string) reply {
	b.w.t.Helper()
	page := b.get("/_auth/login?next="+url.QueryEscape(next), asPage)
	token := tokenField.FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || token == nil {
		b.w.t.Fatalf("login page: %d\n%s", page.StatusCode, page.body)
	}
	form := url.Values{"token": {token[1]}, "next": {next}, "username": {user}, "password": {password}}
	return b.do("POST", "/_auth/login", form.Encode(), asForm, "Origin: "+b.w.url, "Sec-Fetch-Site: same-origin")
}

// session returns the value of the browser's session cookie.
func (b *browser) session() string {
	u, _ := url.Parse(b.w.url)
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.Contains(c.Name, "ploomber_session") {
			return c.Value
		}
	}
	return ""
}

// raw sends bytes as they are and returns the answer, its body unread, and the connection, which closes with the test.
func (w *environment) raw(request string) (reply, net.Conn, *bufio.Reader) {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.host)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		w.t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	answer, err := http.ReadResponse(br, nil)
	if err != nil {
		w.t.Fatalf("answer to %q: %v", request, err)
	}
	return reply{Response: answer}, conn, br
}

// upgrade is the head of a WebSocket request.
func (w *environment) upgrade(path string, header ...string) string {
	lines := append([]string{"Host: " + w.host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, header...)
	return fmt.Sprintf("GET %s HTTP/1.1\r\n%s\r\n\r\n", path, strings.Join(lines, "\r\n"))
}

// wantApp fails unless the app, and nothing else, has answered.
func wantApp(t *testing.T, r reply) {
	t.Helper()
	if r.StatusCode != http.StatusOK || r.Header.Get("X-App") != "yes" {
		t.Errorf("%s %s: %d %q, want the app", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body)
	}
}

func wantCode(t *testing.T, r reply, code int) {
	t.Helper()
	if r.StatusCode != code || r.Header.Get("X-App") != "" {
		t.Errorf("%s %s: %d %q, want %d", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body, code)
	}
}
