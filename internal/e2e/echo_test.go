package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// echoed is what the app was asked.
type echoed struct {
	Method, Path string
	Header       http.Header
}

// startEcho runs an app that answers with what it was asked, and whose WebSocket at /ws sends back what it gets.
func startEcho(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	return server.URL
}

func echo(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/ws" {
		_ = json.NewEncoder(w).Encode(echoed{r.Method, r.RequestURI, r.Header})
		return
	}
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, data, err := conn.Read(r.Context())
		if err != nil || conn.Write(r.Context(), kind, data) != nil {
			return
		}
	}
}

// socket is a client's open WebSocket.
type socket struct{ conn *websocket.Conn }

// dial opens the app's WebSocket with the client's cookies. The status is that of the answer.
func (v *client) dial(t *testing.T, base string) (*socket, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, strings.Replace(base, "http", "ws", 1)+"/ws",
		&websocket.DialOptions{HTTPClient: v.client, HTTPHeader: http.Header{"Origin": {base}}})
	if err != nil {
		if answer == nil {
			t.Fatal(err)
		}
		return nil, answer.StatusCode
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{conn}, answer.StatusCode
}

// connect opens the app's WebSocket, which must be there.
func (v *client) connect(t *testing.T, base string) *socket {
	t.Helper()
	s, status := v.dial(t, base)
	if s == nil {
		t.Fatalf("a WebSocket is refused: %d", status)
	}
	return s
}

// says sends words and expects them back.
func (s *socket) says(t *testing.T, words string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := s.conn.Write(ctx, websocket.MessageText, []byte(words)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := s.conn.Read(ctx); err != nil || string(got) != words {
		t.Fatalf("came back: %q, %v", got, err)
	}
}

// ends expects that the other side closes the connection.
func (s *socket) ends(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, _, err := s.conn.Read(ctx)
	if err == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("the WebSocket is open after %v: %v", patience, err)
	}
}
