// Package proxytest has an app for tests of proxies. It must not know the proxy in front of it.
package proxytest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Request is what an app got of a request.
type Request struct {
	Method, Target, Host, Body string
	Header                     http.Header
	Trailer                    http.Header
}

// App answers with X-App: yes and, as JSON, the Request that it got. It echoes WebSockets. Safe for concurrent use.
type App struct {
	mu   sync.Mutex
	seen []Request
}

// Start serves an app on loopback until the end of the test and returns its address, http://127.0.0.1:PORT.
func Start(t testing.TB, app http.Handler) string {
	t.Helper()
	s := httptest.NewServer(app)
	t.Cleanup(s.Close)
	return s.URL
}

func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a client that breaks off has sent what it has sent
	seen := Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header.Clone(), Body: string(body), Trailer: r.Trailer}
	a.Note(seen)
	if r.Header.Get("Upgrade") != "" {
		Echo(w)
		return
	}
	w.Header().Set("X-App", "yes")
	_ = json.NewEncoder(w).Encode(seen)
}

// Note keeps a request for Taken.
func (a *App) Note(r Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, r)
}

// Taken returns the requests since the last call.
func (a *App) Taken() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	seen := a.seen
	a.seen = nil
	return seen
}

// Echo answers an upgrade to WebSocket and sends back what comes in, until the client closes.
func Echo(w http.ResponseWriter) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	_, _ = io.Copy(conn, buffered)
}
