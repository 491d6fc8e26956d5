package gateway

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func serve(t *testing.T, h http.HandlerFunc) (*Server, string) {
	t.Helper()
	l, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, h, nil)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Shutdown(ctx)
	})
	return s, l.URL().String()
}

func client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

func TestListen(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:0": "http://127.0.0.1:",
		":0":          "http://127.0.0.1:", // not every interface: that has to be asked for
		"localhost:0": "http://localhost:",
		"0.0.0.0:0":   "http://127.0.0.1:",
	} {
		l, err := Listen(context.Background(), address)
		if err != nil {
			t.Errorf("%q: %v", address, err)
			continue
		}
		if got := l.URL().String(); !strings.HasPrefix(got, want) || strings.HasSuffix(got, ":0") {
			t.Errorf("%q: URL %s, want %sPORT", address, got, want)
		}
		ip := l.Addr().(*net.TCPAddr).IP
		if ip.IsLoopback() == (address == "0.0.0.0:0") {
			t.Errorf("%q: listens on %s", address, ip)
		}
		_ = l.Close()
	}
}

func TestListenFails(t *testing.T) {
	t.Parallel()
	taken, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, tc := range map[string]struct {
		address string
		cause   error // may be nil
		want    string
	}{
		"taken":      {address: taken.URL().Host, cause: platform.ErrTaken, want: "another program is using " + taken.URL().Host},
		"no port":    {address: "localhost", want: `"localhost" is not host:port`},
		"bad port":   {address: "127.0.0.1:99999", want: "127.0.0.1:99999"},
		"not a host": {address: "192.0.2.1:0", want: "192.0.2.1:0"}, // reserved for documentation, on no machine
	} {
		l, err := Listen(context.Background(), tc.address)
		if err == nil {
			_ = l.Close()
		}
		var problem *platform.Problem
		if !errors.As(err, &problem) || !strings.Contains(err.Error(), tc.want) || tc.cause != nil && !errors.Is(err, tc.cause) {
			t.Errorf("%s: error %v, want %q", name, err, tc.want)
		}
	}
}

func TestDefaultAddressMovesOn(t *testing.T) {
	t.Parallel()
	first, err := Listen(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, err := Listen(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if first.URL().Host == second.URL().Host || second.URL().Hostname() != "127.0.0.1" {
		t.Errorf("%s and %s", first.URL(), second.URL())
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	s, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole")
	})
	answer := make(chan string)
	go func() {
		resp, err := client().Get(url)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-entered
	stopped := make(chan struct{})
	go func() { s.Shutdown(context.Background()); close(stopped) }()
	<-s.Done()
	if _, err := client().Get(url); err == nil {
		t.Error("a new request was accepted while draining")
	}
	close(leave)
	if got := <-answer; got != "whole" {
		t.Errorf("the request in progress got %q", got)
	}
	<-stopped
	if err := s.Err(); err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestShutdownCutsOffWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	s, url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	resp, err := client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	s.Shutdown(ctx)
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the endless answer ended as if it were complete")
	}
}

// upgrade opens a connection that the handler takes over, as a WebSocket is.
func upgrade(t *testing.T, url string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); line != "hello\n" {
		t.Fatalf("got %q %v", line, err)
	}
	return c, r
}

func TestShutdownClosesWebSockets(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	s, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, "hello\n")
		_, _ = io.Copy(io.Discard, c) // until one side closes
	})
	_, r := upgrade(t, url)
	s.Shutdown(context.Background())
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection is still open")
	}
	<-ended
}

func TestClosedWebSocketsAreForgotten(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 10)
	s, url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "hello\n")
		_, _ = io.Copy(io.Discard, c)
		_ = c.Close()
		ended <- struct{}{}
	})
	for range 5 {
		c, _ := upgrade(t, url)
		_ = c.Close()
		<-ended
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.hijacked); n != 0 {
		t.Errorf("%d closed connections are remembered", n)
	}
}

func TestServerThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	l, err := Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(l, http.NotFoundHandler(), nil)
	_ = l.Listener.Close()
	<-s.Done()
	if s.Err() == nil {
		t.Error("no error although the listener has gone")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s, url := serve(t, func(http.ResponseWriter, *http.Request) {})
	if s.http.ReadHeaderTimeout == 0 || s.http.IdleTimeout == 0 || s.http.WriteTimeout != 0 || s.http.ReadTimeout != 0 {
		t.Errorf("limits %v %v %v %v", s.http.ReadHeaderTimeout, s.http.IdleTimeout, s.http.WriteTimeout, s.http.ReadTimeout)
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 2*maxHeader))
	resp, err := client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of %d bytes got %s", 2*maxHeader, resp.Status)
	}
	s.Shutdown(context.Background()) // waits for the half second that the refused connection stays open
}
