//go:build unix

package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"
)

// watched is a server whose connections are looked at when the test says so. Its handler reads the request body, tells the
// test, and responds when the test says so or the request's context ends.
type watched struct {
	*disconnects
	server  *httptest.Server
	entered chan context.Context // of each request
	respond chan string
	closed  chan struct{} // a connection is closed
}

func newWatched(t *testing.T, start func(*httptest.Server)) *watched {
	t.Helper()
	w := &watched{disconnects: newDisconnects(time.Hour), entered: make(chan context.Context, 1), respond: make(chan string), closed: make(chan struct{}, 1)}
	w.server = httptest.NewUnstartedServer(w)
	w.server.Listener = listener{w.server.Listener, lingering{patience, patience, 1 << 30}}
	w.follow(w.server.Config)
	next := w.server.Config.ConnState
	w.server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if next(c, state); state == http.StateClosed {
			w.closed <- struct{}{}
		}
	}
	start(w.server)
	t.Cleanup(func() {
		w.server.CloseClientConnections()
		w.server.Close()
	})
	return w
}

func (w *watched) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.entered <- r.Context()
	select {
	case text := <-w.respond:
		_, _ = fmt.Fprintf(rw, "%s%s", text, body)
	case <-r.Context().Done():
	}
}

// dial returns a connection of a client.
func (w *watched) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// wantBody reads a response.
func wantBody(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); string(body) != want || err != nil {
		t.Errorf("response %q, %v; want %q", body, err, want)
	}
}

// request waits until a handler runs and net/http no longer reads from the connection.
func (w *watched) request() context.Context {
	ctx := <-w.entered
	for reads := true; reads; runtime.Gosched() {
		reads = false
		w.mu.Lock()
		for c := range w.open {
			reads = reads || c.phase.Load() == reading
		}
		w.mu.Unlock()
	}
	return ctx
}

// wantEnd looks until the context of a request has ended.
func (w *watched) wantEnd(ctx context.Context) {
	for ctx.Err() == nil {
		w.look()
		runtime.Gosched()
	}
}

// wantGoingOn looks a few times.
func (w *watched) wantGoingOn(t *testing.T, ctx context.Context) {
	t.Helper()
	for range 5 {
		w.look()
	}
	if ctx.Err() != nil {
		t.Fatal("the request has been canceled")
	}
}

// answer lets the handler respond.
func (w *watched) answer(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	select {
	case w.respond <- text:
	case <-ctx.Done():
		t.Fatal("the request has been canceled")
	}
}

const (
	get      = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	withBody = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
)

// A request is canceled when its client disconnects, however the connection ends and whatever the client has sent.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	for how, leave := range map[string]func(*net.TCPConn) error{
		"closes":              (*net.TCPConn).Close,
		"closes sending side": (*net.TCPConn).CloseWrite,
		"resets": func(c *net.TCPConn) error {
			_ = c.SetLinger(0)
			return c.Close()
		},
	} {
		for request, text := range map[string]string{
			"GET":    get,
			"body":   withBody + "\r\nbody",
			"chunks": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
		} {
			t.Run(request+" "+how, func(t *testing.T) {
				t.Parallel()
				w := newWatched(t, (*httptest.Server).Start)
				c := w.dial(t)
				send(t, c, text)
				ctx := w.request()
				w.wantGoingOn(t, ctx)
				if err := leave(c); err != nil {
					t.Fatal(err)
				}
				w.wantEnd(ctx)
				<-w.closed
			})
		}
	}
}

// A client that closes its sending side gets the response, unless that takes long.
func TestHalfClose(t *testing.T) {
	t.Parallel()
	w := newWatched(t, (*httptest.Server).Start)
	c := w.dial(t)
	send(t, c, get)
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	ctx := w.request()
	w.look()
	w.answer(t, ctx, "response")
	wantBody(t, bufio.NewReader(c), "response")
	<-w.closed
}

// A client that sends requests before it gets the response to an earlier one is still there. They are answered in turn.
func TestPipelining(t *testing.T) {
	t.Parallel()
	w := newWatched(t, (*httptest.Server).Start)
	c := w.dial(t)
	send(t, c, get+get) // the second is read along with the first
	r := bufio.NewReader(c)
	ctx := w.request()
	w.wantGoingOn(t, ctx)
	send(t, c, withBody+"\r\nbody") // stays in the socket
	for _, text := range []string{"first ", "second "} {
		w.wantGoingOn(t, ctx)
		w.answer(t, ctx, text)
		wantBody(t, r, text)
		ctx = <-w.entered
	}
	w.wantGoingOn(t, ctx)
	w.answer(t, ctx, "third ")
	wantBody(t, r, "third body")
}

// The body of a request that expects to be asked for it is asked for, and the client's disconnect noticed afterwards.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	w := newWatched(t, (*httptest.Server).Start)
	c := w.dial(t)
	r := bufio.NewReader(c)
	for range 2 {
		send(t, c, withBody+"Expect: 100-continue\r\n\r\n")
		for _, want := range []string{"HTTP/1.1 100 Continue\r\n", "\r\n"} {
			if line, err := r.ReadString('\n'); line != want || err != nil {
				t.Fatalf("%q, %v; want %q", line, err, want)
			}
		}
		w.look()
		send(t, c, "body")
		ctx := w.request()
		w.wantGoingOn(t, ctx)
		w.answer(t, ctx, "with ")
		wantBody(t, r, "with body")
	}
	send(t, c, withBody+"Expect: 100-continue\r\n\r\n")
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	send(t, c, "body")
	ctx := w.request()
	_ = c.Close()
	w.wantEnd(ctx)
}

// A connection without a request is left to net/http, before the first request and between two.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	w := newWatched(t, (*httptest.Server).Start)
	c := w.dial(t)
	r := bufio.NewReader(c)
	for range 3 {
		for range 5 {
			w.look()
		}
		send(t, c, get)
		ctx := w.request()
		w.wantGoingOn(t, ctx)
		w.answer(t, ctx, "response")
		wantBody(t, r, "response")
	}
	_ = c.Close()
	<-w.closed
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.open) != 0 {
		t.Error("the connection is still looked at")
	}
}

// Over TLS net/http notices a disconnect: nobody looks.
func TestDisconnectOverTLS(t *testing.T) {
	t.Parallel()
	w := newWatched(t, (*httptest.Server).StartTLS)
	client := w.server.Client()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if response, err := client.Do(request); err == nil {
			_ = response.Body.Close()
		}
	}()
	requested := w.request()
	w.wantGoingOn(t, requested)
	cancel()
	<-requested.Done()
}

// Requests are canceled at once when the server is closed.
func TestCloseCancels(t *testing.T) {
	t.Parallel()
	w := newWatched(t, (*httptest.Server).Start)
	send(t, w.dial(t), get)
	ctx := w.request()
	if err := w.server.Config.Close(); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}

// A handler that takes a connection over gets every byte of it, and an ordinary connection.
func TestHijack(t *testing.T) {
	t.Parallel()
	taken := make(chan context.Context)
	echoed := make(chan error, 1)
	w := newWatched(t, func(s *httptest.Server) {
		s.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			taken <- r.Context()
			taken <- nil // the test has sent more meanwhile
			c, buffered, err := http.NewResponseController(rw).Hijack()
			if err != nil {
				echoed <- err
				return
			}
			defer c.Close()
			early, _ := buffered.Peek(buffered.Reader.Buffered())
			_, err = c.Write(early)
			one := make([]byte, 1)
			for err == nil {
				var n int
				if n, err = c.Read(one); n == 0 && err == nil {
					err = io.ErrNoProgress
				}
				if err == nil {
					_, err = c.Write(one)
				}
			}
			echoed <- err
			taken <- r.Context()
		})
		s.Start()
	})
	c := w.dial(t)
	send(t, c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nsent with it, ")
	ctx := <-taken
	w.wantGoingOn(t, ctx)
	send(t, c, "before the takeover, ")
	<-taken
	send(t, c, "after it")
	const all = "sent with it, before the takeover, after it"
	got := make([]byte, len(all))
	if _, err := io.ReadFull(c, got); string(got) != all || err != nil {
		t.Errorf("echoed %q, %v; want %q", got, err, all)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-echoed; !errors.Is(err, io.EOF) {
		t.Errorf("the handler reads %v, want the end", err)
	}
	w.wantGoingOn(t, <-taken)
}

// A header whose limit leaves room for one byte in the last read is read to its end.
func TestReadOfOneByte(t *testing.T) {
	t.Parallel()
	here, there := lingeringPair(t, lingering{patience, patience, 1 << 30})
	here.cancel = func() {}
	here.phase.Store(reading)
	one := make([]byte, 1)
	for range 3 {
		if n, err := here.Read(one); n != 0 || err != nil {
			t.Fatalf("%d, %v; want nothing", n, err)
		}
		send(t, there, "abc")
		if n, err := here.Read(one); n != 1 || one[0] != 'a' || err != nil {
			t.Fatalf("%q, %d, %v; want a", one, n, err)
		}
		rest := make([]byte, 2)
		if _, err := io.ReadFull(here, rest); string(rest) != "bc" || err != nil {
			t.Fatalf("%q, %v; want bc", rest, err)
		}
	}
}

// Connections are looked at as long as there are any.
func TestTimer(t *testing.T) {
	t.Parallel()
	d := newDisconnects(time.Millisecond)
	entered := make(chan context.Context)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		entered <- r.Context()
		<-r.Context().Done()
	}))
	s.Listener = listener{s.Listener, lingering{patience, patience, 1 << 30}}
	d.follow(s.Config)
	s.Start()
	defer s.Close()
	for range 2 { // and again after there have been none
		c, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		send(t, c, strings.Replace(get, "1.1", "1.0", 1))
		ctx := <-entered
		_ = c.Close()
		<-ctx.Done()
		for ended := false; !ended; runtime.Gosched() {
			d.mu.Lock()
			ended = d.timer == nil
			d.mu.Unlock()
		}
	}
}
