package gateway

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// rig is a gateway behind its real server.
type rig struct {
	*Gateway
	t      *testing.T
	public *url.URL // of the apps domain
	woken  chan string
}

// newRig starts a gateway. Wake sends the project's ID to woken and then does what wake says, which may be nil.
func newRig(t *testing.T, change func(*Options)) *rig {
	t.Helper()
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.URL().Host)
	r := &rig{t: t, public: &url.URL{Scheme: "http", Host: "localhost:" + port}, woken: make(chan string, 1000)}
	o := Options{
		Domain: "localhost", Public: r.urlOf, Now: time.Now, Random: rand.Reader, BcryptCost: 4,
		Wake: func(_ context.Context, id string) error { r.woken <- id; return nil },
	}
	if change != nil {
		change(&o)
	}
	if r.Gateway, err = New(o); err != nil {
		t.Fatal(err)
	}
	s := Serve(l, r.Gateway, time.Now, nil)
	t.Cleanup(func() {
		s.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) urlOf(projectID string) *url.URL {
	u := *r.public
	u.Host = projectID + "." + u.Host
	return &u
}

func (r *rig) set(projectID string, route Route) {
	r.t.Helper()
	if err := r.Set(projectID, route); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) activity(projectID, deployment string) Activity {
	for _, a := range r.Activity(projectID) {
		if a.Deployment == deployment {
			return a
		}
	}
	return Activity{}
}

// browser is a client with cookies, for which names below localhost lead to the gateway.
type browser struct {
	*http.Client
	rig *rig
}

func (r *rig) browser() *browser {
	jar, _ := cookiejar.New(nil)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, _ := net.SplitHostPort(address)
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	r.t.Cleanup(transport.CloseIdleConnections)
	return &browser{&http.Client{Jar: jar, Transport: transport}, r}
}

// reply is a response with its body.
type reply struct {
	*http.Response
	body string
}

func (b *browser) do(method, address, body string, header http.Header) (reply, error) {
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body == "" {
		req.Body, req.ContentLength = nil, 0
	}
	for name, values := range header {
		req.Header[name] = values
	}
	answer, err := b.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return reply{answer, string(text)}, err
}

func (b *browser) must(method, address, body string, header http.Header) reply {
	b.rig.t.Helper()
	answer, err := b.do(method, address, body, header)
	if err != nil {
		b.rig.t.Fatal(err)
	}
	return answer
}

// open loads a page.
func (b *browser) open(projectID, path string) reply {
	b.rig.t.Helper()
	return b.must("GET", b.rig.urlOf(projectID).String()+path, "", navigate())
}

// fetch is what the script of a page asks for.
func (b *browser) fetch(method, projectID, path, body string) reply {
	b.rig.t.Helper()
	return b.must(method, b.rig.urlOf(projectID).String()+path, body, fromPage())
}

// dial opens the WebSocket of a page.
func (b *browser) dial(ctx context.Context, projectID, path string) (*websocket.Conn, error) {
	c, answer, err := websocket.Dial(ctx, b.rig.urlOf(projectID).String()+path, &websocket.DialOptions{
		HTTPClient: b.Client, HTTPHeader: http.Header{"Origin": {b.rig.urlOf(projectID).String()}},
	})
	if err != nil && answer != nil {
		err = fmt.Errorf("%s: %w", answer.Status, err)
	}
	return c, err
}

func (b *browser) socket(projectID, path string) *websocket.Conn {
	b.rig.t.Helper()
	c, err := b.dial(b.rig.t.Context(), projectID, path)
	if err != nil {
		b.rig.t.Fatal(err)
	}
	b.rig.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// say sends a message and returns the reply.
func say(ctx context.Context, c *websocket.Conn, message string) (string, error) {
	if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
		return "", err
	}
	_, answer, err := c.Read(ctx)
	return string(answer), err
}

func navigate() http.Header {
	return http.Header{"Accept": {"text/html,*/*;q=0.8"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none"},
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) Chrome/140"}}
}

func fromPage() http.Header {
	return http.Header{"Accept": {"*/*"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"},
		"User-Agent": {"Mozilla/5.0 (X11; Linux x86_64) Chrome/140"}}
}

// version is an app that says which version of it answers. Its page is HTML; /only/<version> exists at that version only;
// WebSockets echo with the version in front; /slow answers once release is closed.
type version struct {
	name    string
	url     *url.URL
	server  *httptest.Server
	release chan struct{}
	entered chan string // targets of requests to /slow

	mu   sync.Mutex
	seen []*http.Request
}

func newVersion(t *testing.T, name string) *version {
	v := &version{name: name, release: make(chan struct{}), entered: make(chan string, 1000)}
	v.server = httptest.NewServer(v)
	t.Cleanup(v.server.Close)
	v.url, _ = url.Parse(v.server.URL)
	return v
}

func (v *version) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	v.seen = append(v.seen, r.Clone(context.Background()))
	v.mu.Unlock()
	switch {
	case r.Header.Get("Upgrade") != "":
		v.echo(w, r)
		return
	case r.URL.Path == "/slow":
		v.entered <- r.RequestURI
		<-v.release
	case r.URL.Path == "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s\n\n", v.name)
		_ = http.NewResponseController(w).Flush()
		v.entered <- r.RequestURI
		<-r.Context().Done()
		return
	case strings.HasPrefix(r.URL.Path, "/only/") && r.URL.Path != "/only/"+v.name:
		http.NotFound(w, r)
		return
	case r.Header.Get("If-None-Match") == `"same"`:
		w.WriteHeader(http.StatusNotModified)
		return
	case r.URL.Path == "/set":
		w.Header().Add("Set-Cookie", "a=1; Domain=localhost; Path=/")
		w.Header().Add("Set-Cookie", "ploomber_pages=stolen")
	}
	body, _ := io.ReadAll(r.Body)
	if r.Method == "GET" && !strings.HasPrefix(r.URL.Path, "/only/") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	_, _ = io.WriteString(w, v.name+string(body))
}

func (v *version) echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	for {
		kind, message, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if err := c.Write(r.Context(), kind, append([]byte(v.name+" "), message...)); err != nil {
			return
		}
	}
}

func (v *version) requests() []*http.Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.seen
	v.seen = nil
	return seen
}

// backend is v as deployment number n of project p.
func (v *version) backend(n int) Backend {
	return Backend{Deployment: fmt.Sprintf("deployment-%d", n), Number: n, URL: v.url, Ready: true}
}

func running(current Backend, draining ...Backend) Route {
	return Route{State: platform.StateRunning, Current: current, Draining: draining}
}

func passwordLogin(user, secret string) *config.Config {
	return &config.Config{Passwords: map[config.Feature]config.Login{config.MainApp: {Username: user, Password: config.Secret(secret)}}}
}

// eventually waits until ok holds; what it waits for happens in another goroutine, soon.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		if t.Context().Err() != nil {
			t.Fatalf("%s: never", what)
		}
		time.Sleep(time.Millisecond)
	}
}
