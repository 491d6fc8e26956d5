// Package visitor closes connections in a way that lets the client read the response. It must not know what is said over them.
package visitor

import (
	"net"
	"sync/atomic"
)

// Listen returns l, which accepts a *Conn wherever it would accept a *net.TCPConn.
func Listen(l net.Listener) net.Listener {
	return listener{l, lingering{lingerSilence, lingerTime, lingerBytes}}
}

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

// Conn is a connection to a client.
type Conn struct {
	*net.TCPConn
	lingers atomic.Bool // after it is closed here
	bounds  lingering
}

// Close implements net.Conn.
func (c *Conn) Close() error {
	if c.lingers.Swap(false) {
		if copied, err := another(c.TCPConn); err == nil {
			go c.bounds.drain(copied)
		}
	}
	return c.TCPConn.Close()
}
