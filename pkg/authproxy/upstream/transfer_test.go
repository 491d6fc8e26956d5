package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// owner are Hooks that hand out what they are given.
type owner struct {
	*hooksSpy
	begun chan Transfer
	done  chan struct{}
}

func newOwner() *owner {
	return &owner{hooksSpy: newSpy(), begun: make(chan Transfer, 10), done: make(chan struct{}, 10)}
}

func (o *owner) Begin(_ context.Context, t Transfer) { o.begun <- t }

func (o *owner) Done() { o.done <- struct{}{} }

// A request that its owner ends is over on both sides, whatever it is waiting for, and is not tried again.
func TestTransferEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		head   string // of the response, as far as it gets
		body   string // of the request, as far as it gets
		broken bool
	}{
		"nothing answered": {},
		"half a head":      {head: "HTTP/1.1 200 OK\r\nX: "},
		"head":             {head: "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", broken: true},
		"chunks":           {head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", broken: true},
		"part of a length": {head: "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nx", broken: true},
		"half a body":      {body: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, o := NewDirect(time.Now), newOwner()
			t.Cleanup(f.Close)
			asked, gone := make(chan struct{}, 10), make(chan struct{})
			to := rawApp(t, func(c net.Conn, br *bufio.Reader, n int) {
				_, err := http.ReadRequest(br)
				if err != nil {
					return
				}
				if n == 0 && tc.body == "" { // so that the next is on a kept connection, which may be tried again
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					if _, err := http.ReadRequest(br); err != nil {
						return
					}
				}
				_, _ = io.WriteString(c, tc.head)
				asked <- struct{}{}
				_, _ = io.Copy(io.Discard, br)
				close(gone)
			})
			errs := make(chan error, 10)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				err := f.Forward(w, r, to, o)
				errs <- err
				if errors.Is(err, ErrBroken) {
					panic(http.ErrAbortHandler)
				}
				if err != nil {
					w.WriteHeader(http.StatusUnauthorized)
				}
			}))
			t.Cleanup(server.Close)
			client := http.Client{Transport: newTransport(t)}
			if tc.body == "" {
				answer, err := client.Get(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				<-o.begun
				<-o.done
				if err := <-errs; err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			begun := make(chan struct{})
			wg.Go(func() {
				if tc.body != "" {
					conn, err := net.Dial("tcp", server.Listener.Addr().String())
					if err != nil {
						t.Error(err)
						return
					}
					defer conn.Close()
					_, _ = io.WriteString(conn, tc.body)
					if answer, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || answer.StatusCode != http.StatusUnauthorized {
						t.Errorf("%v, %v", answer, err)
					}
					return
				}
				answer, err := client.Get(server.URL)
				if err == nil {
					close(begun)
					_, err = io.Copy(io.Discard, answer.Body)
					_ = answer.Body.Close()
				}
				if (err != nil) != tc.broken {
					t.Errorf("the client sees %v", err)
				}
			})
			transfer := <-o.begun
			<-asked
			if tc.broken {
				<-begun
			}
			_ = transfer.Close()
			_ = transfer.Close()
			if err := <-errs; !errors.Is(err, ErrEnded) || errors.Is(err, ErrBroken) != tc.broken {
				t.Errorf("err = %v", err)
			}
			<-o.done
			<-gone
			wg.Wait()
			if n := len(o.begun) + len(asked); n > 0 {
				t.Errorf("tried %d times more", n)
			}
		})
	}
}

// A request that is over has no say about the connection any more, which carries the next.
func TestTransferLetsGo(t *testing.T) {
	t.Parallel()
	f, o := NewDirect(time.Now), newOwner()
	t.Cleanup(f.Close)
	connections := make(chan int, 10)
	to := rawApp(t, func(c net.Conn, br *bufio.Reader, n int) {
		connections <- n
		for {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	server := front(t, f, to, o)
	for range 5 {
		if answer, got, err := do(t, "GET", server.URL, nil); err != nil || answer.StatusCode != 200 || got != "ok" {
			t.Fatalf("%q, %v", got, err)
		}
		before := <-o.begun
		<-o.done
		_ = before.Close()
		if before.Moved() {
			t.Error("bytes move after the end")
		}
	}
	if n := len(connections); n != 1 {
		t.Errorf("%d connections", n)
	}
}
