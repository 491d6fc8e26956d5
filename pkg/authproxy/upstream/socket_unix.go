//go:build unix

package upstream

import (
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/nowait"
)

// socket is a connection that can be looked into and asked with as few system calls as there are. It serves one
// goroutine at a time.
type socket struct {
	raw syscall.RawConn
	one [1]byte

	readBuffer func() []byte // where to read; asked once there is something

	// Of the call under way.
	wire               []byte
	mustBeSilent       bool
	asked, unsolicited bool
	written, read      int
	err                error

	look, talk func(fd uintptr) bool // made once
}

// newSocket returns nil for connections that cannot be looked into, encrypted ones among them.
func newSocket(c net.Conn) *socket {
	var plain syscall.Conn
	switch c := c.(type) {
	case *net.TCPConn:
		plain = c
	case *net.UnixConn:
		plain = c
	default:
		return nil
	}
	raw, err := plain.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{raw: raw}
	s.look = func(fd uintptr) bool {
		s.unsolicited = !s.isSilent(fd)
		return true
	}
	s.talk = s.askNow
	return s
}

// silent reports that there is nothing to read and that the other side has not closed the connection.
func (s *socket) silent() bool { return s.raw.Read(s.look) == nil && !s.unsolicited }

func (s *socket) isSilent(fd uintptr) bool {
	_, err := nowait.Peek(fd, s.one[:])
	return errors.Is(err, syscall.EAGAIN)
}

// ask writes wire, waits and reads into room; 0 bytes are the end. With mustBeSilent it writes only on a silent
// connection, and else returns errUnsolicitedData. Where not all of wire could be written at once it reads nothing.
//
// All of it is one call of raw.Read, which from its start on keeps in mind that the connection has become readable:
// so it can wait straight away, where an ordinary read would first look, in vain, for a response that takes a while.
func (s *socket) ask(wire []byte, mustBeSilent bool) (written, read int, err error) {
	s.wire, s.mustBeSilent = wire, mustBeSilent
	s.asked, s.written, s.read, s.err = false, 0, 0, nil
	if err := s.raw.Read(s.talk); err != nil {
		s.err = err
	}
	s.wire = nil
	return s.written, s.read, s.err
}

// askNow does what is possible without waiting, and returns false until it is done.
func (s *socket) askNow(fd uintptr) bool {
	if !s.asked {
		s.asked = true
		silent := s.isSilent(fd)
		if s.mustBeSilent && !silent {
			s.err = errUnsolicitedData
			return true
		}
		if s.written, s.err = nowait.Write(fd, s.wire); errors.Is(s.err, syscall.EAGAIN) {
			s.err = nil
		}
		if s.err != nil || s.written < len(s.wire) {
			return true
		}
		if silent {
			return false
		}
	}
	s.read, s.err = nowait.Read(fd, s.readBuffer())
	return !errors.Is(s.err, syscall.EAGAIN)
}

// lazyReader reads from a socket and holds a buffer only while there is something to read, so that an idle
// WebSocket costs no buffer. A server may wrap its sockets, to count them for instance, as long as their traffic stays
// plain. It returns nil for connections that are not sockets, encrypted ones among them.
func lazyReader(c net.Conn, pool buffers) func() (*[]byte, int, error) {
	raw := rawConn(c)
	if raw == nil {
		return nil
	}
	var (
		buf     *[]byte
		n       int
		readErr error
	)
	wait := func(fd uintptr) bool {
		buf = pool.get()
		n, readErr = nowait.Read(fd, *buf)
		if errors.Is(readErr, syscall.EAGAIN) {
			pool.put(buf)
			return false // until readable
		}
		return true
	}
	return func() (*[]byte, int, error) {
		switch err := raw.Read(wait); {
		case err != nil:
			return nil, 0, err
		case readErr != nil:
			pool.put(buf)
			return nil, 0, readErr
		case n == 0:
			pool.put(buf)
			return nil, 0, io.EOF
		}
		return buf, n, nil
	}
}

// eagerWriter is the other direction: it writes all of what it is given. It returns nil where lazyReader does.
func eagerWriter(c net.Conn) func([]byte) error {
	raw := rawConn(c)
	if raw == nil {
		return nil
	}
	var (
		left     []byte
		writeErr error
	)
	push := func(fd uintptr) bool {
		for len(left) > 0 {
			var n int
			if n, writeErr = nowait.Write(fd, left); writeErr != nil {
				return !errors.Is(writeErr, syscall.EAGAIN) // until writable
			}
			left = left[n:]
		}
		return true
	}
	return func(b []byte) error {
		left, writeErr = b, nil
		defer func() { left = nil }()
		if err := raw.Write(push); err != nil {
			return err
		}
		return writeErr
	}
}

// rawConn returns nil for connections that are not sockets.
func rawConn(c net.Conn) syscall.RawConn {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}
