//go:build unix

package upstream

import (
	"errors"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// newPeek returns a function that reports whether an idle connection is silent and open. It costs one system
// call. For encrypted connections, which cannot be looked into, it returns nil.
func newPeek(c net.Conn) func() bool {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	var silent bool
	var one [1]byte
	look := func(fd uintptr) bool {
		_, _, err := unix.Recvfrom(int(fd), one[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		silent = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
		return true
	}
	return func() bool {
		silent = false
		return raw.Read(look) == nil && silent
	}
}

// lazyReader reads from a socket and holds a buffer only while there is something to read, so that an idle
// WebSocket costs no buffer. A server may wrap its sockets, to count them for instance, as long as reading stays
// plain. It returns nil for connections that are no sockets, encrypted ones among them.
func lazyReader(c net.Conn, pool buffers) func() (*[]byte, int, error) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	var (
		buf     *[]byte
		n       int
		readErr error
	)
	wait := func(fd uintptr) bool {
		buf = pool.get()
		for {
			n, readErr = syscall.Read(int(fd), *buf)
			if !errors.Is(readErr, syscall.EINTR) {
				break
			}
		}
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
