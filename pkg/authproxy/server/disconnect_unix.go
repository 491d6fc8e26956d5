//go:build unix

package server

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait"
)

// lookEvery is how often connections with a request in flight are looked at. A client that only closes its sending side
// (nc -N) looks like one that has disconnected, so a request has at least this long before that counts.
const lookEvery = 500 * time.Millisecond

// disconnects ends the contexts of requests whose clients have disconnected, over plain connections. net/http does so by
// itself, but with a goroutine for each request that waits for one byte, and that a deadline has to wake when the response
// has been sent. That is a tenth to a fifth of what a request costs, and most are over long before anybody looks: see
// docs/decisions/0051.
type disconnects struct {
	every time.Duration

	mu    sync.Mutex
	open  map[*Conn]struct{}
	timer *time.Timer // runs while connections are open
}

func newDisconnects(every time.Duration) *disconnects {
	return &disconnects{every: every, open: map[*Conn]struct{}{}}
}

// Read implements net.Conn. net/http reads a single byte only to notice a disconnect while a request is in flight, or at the
// very limit of a header. The first such read returns nothing at once, as io.Reader allows, and ends that goroutine. The next
// one is an ordinary read, so that no byte is ever lost.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 1 && c.phase.CompareAndSwap(reading, inFlight) {
		return 0, nil
	}
	if c.phase.Load() != unwatched {
		c.phase.Store(reading)
	}
	return c.TCPConn.Read(b)
}

// follow makes d responsible for the plain connections of s.
func (d *disconnects) follow(s *http.Server) {
	next := s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if plain, ok := c.(*Conn); ok { // not below TLS
			ctx, plain.cancel = context.WithCancel(ctx) // the parent of its requests' contexts
			plain.phase.Store(reading)
			d.add(plain)
		}
		if next != nil {
			ctx = next(ctx, c)
		}
		return ctx
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if plain, ok := c.(*Conn); ok && (state == http.StateClosed || state == http.StateHijacked) {
			plain.phase.Store(unwatched)
			d.remove(plain)
		}
	}
}

func (d *disconnects) add(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[c] = struct{}{}
	if d.timer == nil {
		d.timer = time.AfterFunc(d.every, d.tick)
	}
}

func (d *disconnects) remove(c *Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, c)
}

func (d *disconnects) tick() {
	d.look()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.open) == 0 {
		d.timer = nil
		return
	}
	d.timer.Reset(d.every)
}

// look ends the requests that were in flight the last time too and whose client has disconnected.
func (d *disconnects) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for c := range d.open {
		switch c.phase.Load() {
		case inFlight:
			c.phase.CompareAndSwap(inFlight, stillInFlight) // unless it is reading again
		case stillInFlight:
			if c.disconnected() {
				c.cancel()
			}
		}
	}
}

// disconnected reports whether the client has ended the connection or its sending side. Behind bytes that have not been read
// that cannot be seen.
func (c *Conn) disconnected() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	ended := false
	err = raw.Control(func(fd uintptr) {
		n, err := nowait.Peek(fd, make([]byte, 1))
		ended = n == 0 && !errors.Is(err, syscall.EAGAIN)
	})
	return ended || err != nil // closed on this side
}
