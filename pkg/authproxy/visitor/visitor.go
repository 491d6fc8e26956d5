// Package visitor makes the connections of visitors cheaper to serve: net/http may leave it to others to find out that a
// visitor has gone. It must not know what visitors ask for.
package visitor

import (
	"net"
	"sync/atomic"
)

// Conn is a connection to a visitor. It is an ordinary one until somebody Watches.
type Conn struct {
	*net.TCPConn
	closed func() // tells who watches; nil as long as nobody does
	passed bool   // over a read of one byte, the last time

	lingers atomic.Bool // after it is closed here
	bounds  lingering
}

// Watch makes the connection cheaper. From now on whoever calls it has to ask Gone from time to time while a request
// takes long, since nobody else learns that its visitor has gone; closed is called when the connection is closed on
// this side, maybe several times. Watch has to be called before the first Read.
func (c *Conn) Watch(closed func()) { c.closed = closed }

// Close implements net.Conn.
func (c *Conn) Close() error {
	if c.lingers.Swap(false) && !c.Gone() {
		if copied, err := another(c.TCPConn); err == nil {
			go c.bounds.drain(copied)
		}
	}
	err := c.TCPConn.Close()
	if c.closed != nil {
		c.closed()
	}
	return err
}

// Read implements net.Conn.
//
// While a request is being answered, net/http waits for its visitor's going away by reading one byte, in a goroutine
// that it has to start and to stop again each time. Where somebody watches, this read returns at once and says that
// nothing has happened, which io.Reader allows: the goroutine ends, and the request's context with the request.
// For everything else net/http reads through a buffer, which asks for a single byte only at the very limit of a
// head's size. It asks again there, and gets it.
func (c *Conn) Read(b []byte) (int, error) {
	if c.closed != nil && len(b) == 1 && !c.passed {
		c.passed = true
		return 0, nil
	}
	c.passed = false
	return c.TCPConn.Read(b)
}
