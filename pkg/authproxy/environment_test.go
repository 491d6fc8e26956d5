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

// patience is how long a test waits before it fails; on a busy machine anything may take long.
const patience = time.Minute

// environment is a proxy with an app behind it, both on loopback. The proxy's clock is ahead of the real one by shift, and
// its log is collected. browser returns clients of it, and received what the app got.
type environment struct {
	t     *testing.T
	proxy *authproxy.Proxy
	url   string // of the proxy
	host  string
	logs  *syncBuffer

	echo proxytest.App // the app, unless the test has its own

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

const longSecret = "kX3-vB9_qL2zR7wT5yU8iO1pA4sD6fG0hJ" // random, and used nowhere else

// mainApp protects everything by the password of user.
func mainApp() config.Config {
	return config.Config{Passwords: map[config.Feature]config.Login{
		config.MainApp: {Username: user, Password: pass}}}
}

// newEnvironment starts a proxy in front of app; nil stands for one that answers with what it received and echoes WebSockets.
func newEnvironment(t *testing.T, c config.Config, app http.Handler) *environment {
	t.Helper()
	return newEnvironmentWith(t, c, app, nil)
}

// newEnvironmentWith is newEnvironment with a store of sessions; nil stands for one in memory.
func newEnvironmentWith(t *testing.T, c config.Config, app http.Handler, store session.Store) *environment {
	t.Helper()
	env := &environment{t: t, logs: &syncBuffer{}}
	if app == nil {
		app = env.app()
	}
	var err error
	env.proxy, err = authproxy.New(c, authproxy.Options{Upstream: proxytest.Start(t, app), Now: env.now, Random: rand.Reader, Store: store,
		BcryptCost: bcrypt.MinCost, Log: slog.New(slog.NewTextHandler(env.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	env.url = env.serve(env.proxy)
	env.host = strings.TrimPrefix(env.url, "http://")
	return env
}

// serve starts a server for a proxy and returns its URL. Both are closed at the end of the test.
func (env *environment) serve(p *authproxy.Proxy) string {
	env.t.Helper()
	return env.serveOn(p, listen(env.t))
}

// listen returns a listener on a free port.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serveOn is serve with a listener.
func (env *environment) serveOn(p *authproxy.Proxy, l net.Listener) string {
	s := server.Serve(l, server.Options{Handler: p, Now: time.Now, ConnContext: authproxy.ConnContext})
	env.t.Cleanup(func() {
		_ = p.Close()
		s.Close()
	})
	return "http://" + l.Addr().String()
}

// now is the clock of the proxy.
func (env *environment) now() time.Time {
	env.mu.Lock()
	defer env.mu.Unlock()
	return time.Now().Add(env.shift)
}

// advance moves the clock of the proxy.
func (env *environment) advance(d time.Duration) {
	env.mu.Lock()
	defer env.mu.Unlock()
	env.shift += d
}

// app returns the app that echoes.
func (env *environment) app() http.Handler { return &env.echo }

// received returns the requests that the app that echoes has received since the last call.
func (env *environment) received() []proxytest.Request { return env.echo.Taken() }

// reply is a response whose body has been read.
type reply struct {
	*http.Response
	body string
}

func (r reply) location() string { return r.Header.Get("Location") }

// cookie returns the first cookie of the response whose name begins so, or nil.
func (r reply) cookie(prefix string) *http.Cookie {
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, prefix) {
			return c
		}
	}
	return nil
}

// browser is a client of an environment that keeps cookies and does not follow redirects.
type browser struct {
	env    *environment
	client *http.Client
}

func (env *environment) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		env.t.Fatal(err)
	}
	transport := &http.Transport{} // not the default one, which other tests' servers close
	env.t.Cleanup(transport.CloseIdleConnections)
	return &browser{env, &http.Client{Transport: transport, Jar: jar, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request; header lines are "Name: value".
func (b *browser) do(method, path, body string, header ...string) reply {
	b.env.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, b.env.url+path, strings.NewReader(body))
	if err != nil {
		b.env.t.Fatal(err)
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header[name] = append(r.Header[name], value)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.env.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		b.env.t.Fatalf("%s %s: body: %v", method, path, err)
	}
	return reply{response, string(got)}
}

func (b *browser) get(path string, header ...string) reply {
	b.env.t.Helper()
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
	b.env.t.Helper()
	page := b.get("/_auth/login?next="+url.QueryEscape(next), asPage)
	token := tokenField.FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || token == nil {
		b.env.t.Fatalf("login page: %d\n%s", page.StatusCode, page.body)
	}
	form := url.Values{"token": {token[1]}, "next": {next}, "username": {user}, "password": {password}}
	return b.do("POST", "/_auth/login", form.Encode(), asForm, "Origin: "+b.env.url, "Sec-Fetch-Site: same-origin")
}

// session returns the value of the browser's session cookie.
func (b *browser) session() string {
	u, _ := url.Parse(b.env.url)
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.Contains(c.Name, "ploomber_session") {
			return c.Value
		}
	}
	return ""
}

// raw sends bytes as they are. It returns the response with its body unread, and the connection, which is closed at the end
// of the test.
func (env *environment) raw(request string) (reply, net.Conn, *bufio.Reader) {
	env.t.Helper()
	conn, err := net.Dial("tcp", env.host)
	if err != nil {
		env.t.Fatal(err)
	}
	env.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		env.t.Fatal(err)
	}
	br := bufio.NewReader(conn)
	response, err := http.ReadResponse(br, nil)
	if err != nil {
		env.t.Fatalf("response to %q: %v", request, err)
	}
	return reply{Response: response}, conn, br
}

// upgrade returns the header of a WebSocket handshake.
func (env *environment) upgrade(path string, header ...string) string {
	lines := append([]string{"Host: " + env.host, "Connection: Upgrade", "Upgrade: websocket",
		"Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, header...)
	return fmt.Sprintf("GET %s HTTP/1.1\r\n%s\r\n\r\n", path, strings.Join(lines, "\r\n"))
}

// wantApp fails unless the response is the app's.
func wantApp(t *testing.T, r reply) {
	t.Helper()
	if r.StatusCode != http.StatusOK || r.Header.Get("X-App") != "yes" {
		t.Errorf("%s %s: %d %q, want the app", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body)
	}
}

// wantCode fails unless the response is the proxy's own and has this status.
func wantCode(t *testing.T, r reply, code int) {
	t.Helper()
	if r.StatusCode != code || r.Header.Get("X-App") != "" {
		t.Errorf("%s %s: %d %q, want %d", r.Request.Method, r.Request.URL.Path, r.StatusCode, r.body, code)
	}
}
