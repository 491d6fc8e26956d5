package authproxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// chat is an app that greets by name and echoes. It refuses foreign origins by comparing them with the Host header, as
// Streamlit and Panel do.
func chat(t *testing.T) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"chat"}, CompressionMode: websocket.CompressionContextTakeover})
		if err != nil {
			t.Errorf("the app refuses: %v", err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(8 << 20)
		if err := c.Write(r.Context(), websocket.MessageText, []byte("hello "+r.Header.Get("X-Auth-Name"))); err != nil {
			return
		}
		for {
			kind, message, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if err := c.Write(r.Context(), kind, message); err != nil {
				return
			}
		}
	})
}

func (env *environment) dial(ctx context.Context, session string) (*websocket.Conn, reply, error) {
	transport := &http.Transport{}
	env.t.Cleanup(transport.CloseIdleConnections)
	c, answer, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(env.url, "http")+"/ws", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"chat"}, CompressionMode: websocket.CompressionContextTakeover,
		HTTPHeader: http.Header{"Cookie": {"ploomber_session=" + session}, "Origin": {env.url}}})
	return c, reply{Response: answer}, err
}

// A real WebSocket, with a subprotocol, compression, pings and large messages, both ways.
func TestRealWebSocket(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), chat(t))
	b := env.browser()
	b.login("/", user, pass)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c, answer, err := env.dial(ctx, b.session())
			if err != nil || c.Subprotocol() != "chat" || answer.Header.Get("Sec-WebSocket-Extensions") == "" {
				t.Errorf("dial: %v", err)
				return
			}
			defer func() { _ = c.CloseNow() }()
			c.SetReadLimit(8 << 20)
			if _, greeting, err := c.Read(ctx); string(greeting) != "hello "+user {
				t.Errorf("%q, %v", greeting, err)
			}
			for j, size := range []int{1, 125, 126, 70_000, 3 << 20} {
				message := strings.Repeat(fmt.Sprintf("%d/%d ", i, j), size/4+1)
				if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
					t.Errorf("write: %v", err)
					return
				}
				if _, got, err := c.Read(ctx); string(got) != message {
					t.Errorf("%d bytes of %d, %v", len(got), len(message), err)
					return
				}
			}
			_ = c.Close(websocket.StatusNormalClosure, "done")
		})
	}
	wg.Wait()
	if _, answer, err := env.dial(ctx, strings.Repeat("A", 43)); err == nil || answer.Response == nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a session: %v", err)
	}
}

// Ending all sessions of a user, and closing the proxy, close WebSockets at once.
func TestEndOwnerAndClose(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), chat(t))
	b := env.browser()
	b.login("/", user, pass)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	open := func() *websocket.Conn {
		t.Helper()
		c, _, err := env.dial(ctx, b.session())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseNow() })
		if _, _, err := c.Read(ctx); err != nil {
			t.Fatal(err)
		}
		return c
	}
	ended := func(c *websocket.Conn) {
		t.Helper()
		if _, _, err := c.Read(ctx); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want the end", err)
		}
	}
	c := open()
	if err := env.proxy.EndOwner(ctx, "password|"+user); err != nil {
		t.Fatal(err)
	}
	ended(c)
	wantCode(t, b.get("/"), http.StatusUnauthorized)
	b.login("/", user, pass)
	c = open()
	_ = env.proxy.Close()
	ended(c)
	if _, _, err := env.dial(ctx, b.session()); err == nil {
		t.Error("a closed proxy opens a WebSocket")
	}
}

// The same over TLS, where the proxy cannot leave the bytes to the kernel, and with the cookie of encrypted connections.
func TestRealWebSocketOverTLS(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, mainApp(), chat(t))
	secure := httptest.NewTLSServer(env.proxy)
	t.Cleanup(secure.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c, answer, err := websocket.Dial(ctx, "wss"+strings.TrimPrefix(secure.URL, "https")+"/ws", &websocket.DialOptions{
		HTTPClient: secure.Client(), HTTPHeader: http.Header{"Authorization": {strings.TrimPrefix(asBasic(user, pass), "Authorization: ")}, "Origin": {secure.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.CloseNow() }()
	if (reply{Response: answer}).cookie("__Host-ploomber_session") == nil {
		t.Errorf("no session with the upgrade: %v", answer.Header)
	}
	for _, want := range []string{"hello " + user, "a", strings.Repeat("b", 20_000)} {
		if !strings.HasPrefix(want, "hello") {
			if err := c.Write(ctx, websocket.MessageBinary, []byte(want)); err != nil {
				t.Fatal(err)
			}
		}
		if _, got, err := c.Read(ctx); string(got) != want {
			t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
	}
	_ = c.Close(websocket.StatusNormalClosure, "done")
}
