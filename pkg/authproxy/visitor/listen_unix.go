//go:build unix

package visitor

import (
	"errors"
	"net"
	"syscall"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait"
)

// Listen returns l, which accepts a *Conn wherever it would accept a *net.TCPConn. To Watch one is of use only where what
// is read from the connection is plain HTTP/1.
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

// Gone reports whether the visitor has ended the connection, or said that nothing more will come over it. It cannot see
// the end behind bytes that nobody has read yet. It may be called while others read and write.
func (c *Conn) Gone() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	look := func(fd uintptr) {
		n, err := nowait.Peek(fd, make([]byte, 1))
		gone = n == 0 && !errors.Is(err, syscall.EAGAIN)
	}
	return raw.Control(look) != nil || gone // Control fails on a connection that we have closed ourselves
}
