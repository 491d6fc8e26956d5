package attack

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// app is what the proxy protects. It answers with what it got, echoes WebSockets, and keeps every byte.
type app struct {
	url string

	mu      sync.Mutex
	seen    []seen
	handles map[string]http.HandlerFunc // in place of the usual answer, by path
}

// seen is what the app got of one request.
type seen struct {
	Method, Target, Host, Body string
	Header, Trailer            http.Header
	Wire                       string // what came over the connection since the last request on it
}

// newApp starts an app.
func newApp(t *testing.T) *app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveApp(t, l)
}

func serveApp(t *testing.T, l net.Listener) *app {
	t.Helper()
	a := &app{url: "http://" + l.Addr().String(), handles: map[string]http.HandlerFunc{}}
	server := &http.Server{Handler: a, ReadHeaderTimeout: time.Minute, MaxHeaderBytes: 1 << 20, DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, tapKey{}, c) }}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(tapping{l})
	}()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return a
}

// handle changes what the app does at a path.
func (a *app) handle(path string, h http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handles[path] = h
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := a.note(r)
	w.Header().Set("X-App", "yes")
	switch {
	case h != nil:
		h(w, r)
	case strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		echo(w)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r.Header)
	}
}

// note keeps the request and returns what is to be done with it, nil for the usual. The body is read here, unless
// another user is to do it.
func (a *app) note(r *http.Request) http.HandlerFunc {
	a.mu.Lock()
	h := a.handles[r.URL.Path]
	a.mu.Unlock()
	var body []byte
	if h == nil {
		body, _ = io.ReadAll(r.Body)
	}
	s := seen{Method: r.Method, Target: r.RequestURI, Host: r.Host, Body: string(body), Header: r.Header.Clone(), Trailer: r.Trailer.Clone()}
	if tap, ok := r.Context().Value(tapKey{}).(*tap); ok {
		s.Wire = tap.take()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, s)
	return h
}

// taken returns what the app has got since the last call.
func (a *app) taken() []seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.seen
	a.seen = nil
	return s
}

// echo answers an upgrade and sends back what comes in.
func echo(w http.ResponseWriter) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, buf)
}

type tapKey struct{}

// tapping hands out connections that remember what was read.
type tapping struct{ net.Listener }

func (l tapping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tap{Conn: c}, nil
}

type tap struct {
	net.Conn
	mu   sync.Mutex
	read strings.Builder
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read.Len() < 1<<20 {
		t.read.Write(b[:n])
	}
	return n, err
}

func (t *tap) take() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.read.String()
	t.read.Reset()
	return s
}
