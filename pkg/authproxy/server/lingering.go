package server

import (
	"net"
	"time"
)

// Linger makes Close a lingering one, as nginx calls it: for a while it goes on reading in the background. A client that
// is still sending a body would lose the response otherwise, since the system resets a connection that is closed with
// unread bytes. TLS clients take that for an attack.
func (c *Conn) Linger() {
	if !c.lingers.Load() {
		c.lingers.Store(true)
	}
}

// Bounds of a lingering close.
const (
	lingerSilence = 5 * time.Second  // without a byte
	lingerTime    = 30 * time.Second // in all
	lingerBytes   = 256 << 20
)

type lingering struct {
	silence, time time.Duration
	bytes         int64
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

// duplicate returns a second handle on a connection: closing the first ends pending reads, as Close has to, and not the
// connection.
func duplicate(c *net.TCPConn) (*net.TCPConn, error) {
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
