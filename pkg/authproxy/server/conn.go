package server

import (
	"context"
	"net"
	"sync/atomic"
)

// Conn is a plain connection to a client; TLS runs over one.
type Conn struct {
	*net.TCPConn
	lingers atomic.Bool // after Close
	bounds  lingering

	cancel context.CancelFunc // ends the contexts of its requests; nil while unwatched
	phase  atomic.Int32
}

// Phases of a Conn, see disconnects.
const (
	unwatched     int32 = iota // net/http notices a disconnect by itself: below TLS, and on Windows; or a handler has taken over
	reading                    // net/http reads, or waits for a request
	inFlight                   // it has read a request
	stillInFlight              // the same, and this has been seen
)

// listener accepts a *Conn wherever it would accept a *net.TCPConn.
type listener struct {
	net.Listener
	bounds lingering
}

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok && err == nil {
		return &Conn{TCPConn: tcp, bounds: l.bounds}, nil
	}
	return c, err
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	if c.lingers.Swap(false) {
		if copied, err := duplicate(c.TCPConn); err == nil {
			go c.bounds.drain(copied)
		}
	}
	if c.phase.Load() != unwatched {
		c.cancel()
	}
	return c.TCPConn.Close()
}
