package upstream

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Sizes in bytes.
const (
	readSize  = 4 << 10   // of the buffer for what a connection reads, which grows only for a larger header
	maxHeader = 256 << 10 // of the longest header of a response that is accepted
	copySize  = 32 << 10  // of the buffers for bodies
)

// maxKeptFields is how many fields of a header an idle connection has room for.
const maxKeptFields = 64

// conn is one connection to the app, with what has been read from it and not used yet.
type conn struct {
	net.Conn
	target     Target
	reused     bool
	idle       time.Time // since when
	handedOver bool      // to a tunnel, which closes it

	moved   atomic.Bool // something has been read or written since the last call of Moved
	spliced atomic.Bool // the kernel is moving a body

	reads  buffers
	lent   *[]byte // by reads
	buf    []byte  // nil while there is nothing to read; else lent, or larger
	r, w   int     // buf[r:w] is unused
	socket *socket // nil where there is none that can be looked into
	names  *names
	last   response // of the last response
}

func newConn(c net.Conn, to Target, reads buffers, known *names) *conn {
	connected := &conn{Conn: c, target: to, reads: reads, socket: newSocket(c), names: known}
	if connected.socket != nil {
		connected.socket.readBuffer = connected.readBuffer
	}
	return connected
}

func (c *conn) close() { _ = c.Close() }

func (c *conn) Read(b []byte) (int, error) { return c.count(c.Conn.Read(b)) }

func (c *conn) Write(b []byte) (int, error) { return c.count(c.Conn.Write(b)) }

func (c *conn) count(n int, err error) (int, error) {
	if n > 0 && !c.moved.Load() {
		c.moved.Store(true)
	}
	return n, err
}

// buffered returns what has been read and not used; it holds until the next read.
func (c *conn) buffered() []byte { return c.buf[c.r:c.w] }

// readBuffer returns the buffer, borrowed only now that it is needed: so connections that wait for the app share few buffers,
// which stay in the processor's caches.
func (c *conn) readBuffer() []byte {
	if c.buf == nil {
		c.lent = c.reads.get()
		c.buf = *c.lent
	}
	return c.buf
}

// release gives the buffer back.
func (c *conn) release() {
	if c.lent != nil {
		c.reads.put(c.lent)
	}
	c.lent, c.buf, c.r, c.w = nil, nil, 0, 0
}

// fill reads once more into the buffer, which has room for that.
func (c *conn) fill() error {
	if c.r > 0 {
		copy(c.buf, c.buf[c.r:c.w])
		c.r, c.w = 0, c.w-c.r
	}
	if c.w == len(c.readBuffer()) {
		return errBufferFull
	}
	n, err := c.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// ask writes a request and reads the first of what comes back into the buffer, which is empty. errUnsolicitedData means that
// the app has closed the connection or unsolicited before it was asked, and has not been asked; errStaleConn that it answers nothing.
func (c *conn) ask(wire []byte) error {
	c.r, c.w = 0, 0
	written, n, err := c.socket.ask(wire, c.reused)
	switch {
	case errors.Is(err, errUnsolicitedData):
		return err
	case err == nil && written < len(wire):
		if _, err = c.Write(wire[written:]); err == nil {
			return nil
		}
	case err == nil && n == 0:
		err = io.EOF
	}
	if err != nil {
		return stale(err)
	}
	c.w = n
	return nil
}

var errBufferFull = errors.New("buffer is full")

// growBuffer doubles the buffer up to limit; false at the limit.
func (c *conn) growBuffer(limit int) bool {
	if len(c.buf) >= limit {
		return false
	}
	bigger := make([]byte, 2*len(c.buf))
	n := copy(bigger, c.buffered())
	c.release()
	c.buf, c.w = bigger, n
	return true
}

// shrink gives back what a response has left behind: the buffer, which is empty, and the fields.
func (c *conn) shrink() {
	clear(c.last.fields) // their text is as long as the header
	if cap(c.last.fields) > maxKeptFields {
		c.last.fields = nil
	}
	c.release()
}

// buffers lends buffers of one size.
type buffers struct {
	pool *sync.Pool
	size int
}

func newBuffers(size int) buffers {
	return buffers{&sync.Pool{New: func() any { b := make([]byte, size); return &b }}, size}
}

func (b buffers) get() *[]byte { return b.pool.Get().(*[]byte) }

// put takes a buffer back; one of another size was not lent by get.
func (b buffers) put(buf *[]byte) {
	if len(*buf) == b.size {
		b.pool.Put(buf)
	}
}
