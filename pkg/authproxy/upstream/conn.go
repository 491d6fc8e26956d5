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
	readSize = 4 << 10   // of a connection's buffer, which grows only for a larger head
	maxHead  = 256 << 10 // of the longest head of an answer that is accepted
	copySize = 32 << 10  // of the buffers for bodies
)

// maxKeptFields is how many fields of a head an idle connection has room for.
const maxKeptFields = 64

// conn is one connection to the app, with what has been read from it and not used yet.
type conn struct {
	net.Conn
	target     Target
	reused     bool
	idle       time.Time // since when
	handedOver bool      // to a tunnel, which closes it

	moved   atomic.Bool // something has been read or written, since somebody asked
	spliced atomic.Bool // the kernel is moving a body

	buf    []byte
	r, w   int     // buf[r:w] is unused
	socket *socket // nil where there is none that can be looked into
	names  *names
	head   head // of the last answer
}

func newConn(c net.Conn, to Target, known *names) *conn {
	return &conn{Conn: c, target: to, buf: make([]byte, readSize), socket: newSocket(c), names: known}
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

// fill reads once more into the buffer, which has room for that.
func (c *conn) fill() error {
	if c.r > 0 {
		copy(c.buf, c.buf[c.r:c.w])
		c.r, c.w = 0, c.w-c.r
	}
	if c.w == len(c.buf) {
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

// ask writes a request and reads the first of what comes back into the buffer, which is empty. errSpoken means that
// the app has hung up or spoken before it was asked, and has not been asked; errStale that it answers nothing.
func (c *conn) ask(wire []byte) error {
	c.r, c.w = 0, 0
	written, n, err := c.socket.ask(wire, c.buf, c.reused)
	switch {
	case errors.Is(err, errSpoken):
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

// grow doubles the buffer up to limit; false at the limit.
func (c *conn) grow(limit int) bool {
	if len(c.buf) >= limit {
		return false
	}
	bigger := make([]byte, 2*len(c.buf))
	c.w = copy(bigger, c.buf[c.r:c.w])
	c.r, c.buf = 0, bigger
	return true
}

// shrink gives back what a large answer has left behind: the buffer once it is empty, the fields.
func (c *conn) shrink() {
	clear(c.head.fields) // their text is as long as the head
	if cap(c.head.fields) > maxKeptFields {
		c.head.fields = nil
	}
	if len(c.buf) > readSize && c.r == c.w {
		c.buf, c.r, c.w = make([]byte, readSize), 0, 0
	}
}

// buffers lends buffers for bodies.
type buffers struct{ pool *sync.Pool }

func newBuffers() buffers {
	return buffers{&sync.Pool{New: func() any { b := make([]byte, copySize); return &b }}}
}

func (b buffers) get() *[]byte { return b.pool.Get().(*[]byte) }

// put takes a buffer back; one of another size was not lent by get.
func (b buffers) put(buf *[]byte) {
	if len(*buf) == copySize {
		b.pool.Put(buf)
	}
}
