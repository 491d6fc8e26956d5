package visitor

import (
	"net"
	"time"
)

// Bounds of what is read from a client that goes on sending after the answer.
const (
	lingerSilence = 5 * time.Second  // without a byte
	lingerTime    = 30 * time.Second // in all
	lingerBytes   = 256 << 20
)

// lingering bounds what is read from a connection that is closed on this side.
type lingering struct {
	silence, time time.Duration
	bytes         int64
}

// Linger lets Close take some time in the background: a client who is still sending a body that nobody wants would lose
// the answer otherwise, since unread bytes make the system reset a connection that is closed. TLS clients take that for an
// attack.
func (c *Conn) Linger() {
	if !c.lingers.Load() {
		c.lingers.Store(true)
	}
}

// drain says that nothing more will be sent, and reads until the other side ends the connection or a bound is reached.
func (l lingering) drain(c *net.TCPConn) {
	defer func() { _ = c.Close() }()
	if c.CloseWrite() != nil {
		return
	}
	stop := func() { _ = c.Close() }
	silent := time.AfterFunc(l.silence, stop)
	defer silent.Stop()
	defer time.AfterFunc(l.time, stop).Stop()
	buf := make([]byte, 16<<10)
	for left := l.bytes; left > 0; {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		silent.Reset(l.silence)
		left -= int64(n)
	}
}

// another returns a second handle on a connection, which the other side takes for the same. Closing the first ends whatever
// waits for it, as it has to.
func another(c *net.TCPConn) (*net.TCPConn, error) {
	f, err := c.File()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	copied, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return copied.(*net.TCPConn), nil
}
