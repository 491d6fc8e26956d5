package upstream

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// echoApp answers an upgrade with the given head and sends back what comes, after a greeting.
func echoApp(t *testing.T, head string) Target {
	return rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
		r, err := http.ReadRequest(br)
		if err != nil || r.Header.Get("Upgrade") != "websocket" || r.Header.Get("Connection") != "Upgrade" {
			return
		}
		_, _ = io.WriteString(c, head+"\r\nhello ")
		_, _ = io.Copy(c, br)
	})
}

const switches = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n"

// upgrade opens a WebSocket through a front; early is sent along with the request.
func upgrade(t *testing.T, server *httptest.Server, early string) (reply, *net.TCPConn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"+early)
	br := bufio.NewReader(conn)
	answer, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	return reply{answer}, conn.(*net.TCPConn), br
}

func wantText(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v; want %q", got, err, want)
	}
}

func TestTunnel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		spy := newSpy()
		answer, conn, br := upgrade(t, front(t, f, echoApp(t, switches), spy), "")
		if answer.StatusCode != 101 || answer.Header.Get("X-Added") != "yes" || answer.Header.Get("Sec-WebSocket-Accept") != "x" ||
			!strings.EqualFold(answer.Header.Get("Upgrade"), "websocket") {
			t.Fatalf("%d %v", answer.StatusCode, answer.Header)
		}
		wantText(t, br, "hello ")
		big := strings.Repeat("data", 50_000)
		go func() { _, _ = io.WriteString(conn, big) }()
		wantText(t, br, big)
		if !(<-spy.upgraded).Moved() {
			t.Error("no bytes have moved")
		}
		_ = conn.CloseWrite() // the app echoes the end, so all ends
		if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
			t.Errorf("%q, %v", rest, err)
		}
		<-spy.ended
	})
}

// A client may send its first frame along with the request. (Whether ReverseProxy passes it on is its own affair.)
func TestTunnelEarlyBytes(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	_, conn, br := upgrade(t, front(t, f, echoApp(t, switches), newSpy()), "early")
	wantText(t, br, "hello early")
	_, _ = io.WriteString(conn, " late")
	wantText(t, br, " late")
}

func TestTunnelIsClosedFromOutside(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		spy := newSpy()
		_, _, br := upgrade(t, front(t, f, echoApp(t, switches), spy), "")
		wantText(t, br, "hello ")
		_ = (<-spy.upgraded).Close()
		if n, err := br.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("read %d, %v; want the end", n, err)
		}
		<-spy.ended
	})
}

// stuck is a connection whose peer stops reading.
type stuck struct {
	net.Conn
	full  atomic.Bool
	drain chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	if s.full.Load() {
		<-s.drain
	}
	return s.Conn.Write(b)
}

// Many tunnels may end at once, those of a session for one: none waits until TLS has said farewell to a peer that
// does not read.
func TestTunnelClosesBesideAStuckPeer(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	t.Cleanup(server.Close)
	here, there := net.Pipe()
	_ = here.SetReadDeadline(time.Now().Add(patience))
	peer := &stuck{Conn: here, drain: make(chan struct{})}
	client, app := tls.Server(peer, server.TLS), &onClose{closed: make(chan struct{})}
	shaken := make(chan error, 1)
	go func() {
		trusting := server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		trusting.ServerName = "example.com" // as in the certificate
		shaken <- tls.Client(there, trusting).Handshake()
		_, _ = io.Copy(io.Discard, there)
	}()
	if err := errors.Join(client.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	peer.full.Store(true)
	ended := make(chan error, 1)
	go func() { ended <- (&tunnelled{client: client, app: app}).Close() }()
	select {
	case err := <-ended:
		if <-app.closed; err != nil {
			t.Error(err)
		}
	case <-time.After(patience):
		t.Error("waits for the peer")
	}
	close(peer.drain)
}

// onClose is a connection that is only closed.
type onClose struct {
	net.Conn
	closed chan struct{}
}

func (c *onClose) Close() error { close(c.closed); return nil }

func TestTunnelThatMayNotOpen(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	spy := newSpy()
	spy.refuse = true
	server := front(t, f, echoApp(t, switches), spy)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if got, _ := io.ReadAll(conn); len(got) > 0 {
		t.Errorf("%q, want nothing", got)
	}
}

// Security class 13: what a client sends behind an upgrade that fails is a request of its own, not the app's.
// (ReverseProxy keeps the connection where the app has only refused, so its app would wait for the end in vain.)
func TestFailedUpgrade(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	for name, tc := range map[string]struct {
		head string
		code int
	}{
		"refused":        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n", 403},
		"other protocol": {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n", 502},
		"no protocol":    {"HTTP/1.1 101 Switching Protocols\r\n", 502},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			smuggled := make(chan string, 1)
			to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
				if r, err := http.ReadRequest(br); err != nil || r.URL.Path != "/ws" {
					return
				}
				_, _ = io.WriteString(c, tc.head+"\r\n")
				rest, _ := io.ReadAll(br)
				smuggled <- string(rest)
			})
			answer, conn, _ := upgrade(t, front(t, f, to, newSpy()), "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n")
			if answer.StatusCode != tc.code {
				t.Errorf("status %d, want %d", answer.StatusCode, tc.code)
			}
			_ = conn.Close()
			if got := <-smuggled; got != "" {
				t.Errorf("the app got %q over the same connection", got)
			}
		})
	}
}
