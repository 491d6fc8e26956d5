//go:build !unix

package upstream

import "net"

// socket is what can be looked into elsewhere.
type socket struct{ readBuffer func() []byte }

func newSocket(net.Conn) *socket { return nil }

func (*socket) silent() bool { return false }

func (*socket) ask(_ []byte, _ bool) (written, read int, err error) { return 0, 0, errUnsolicitedData }

// lazyReader has no way to wait without a buffer here.
func lazyReader(net.Conn, buffers) func() (*[]byte, int, error) { return nil }

// eagerWriter is the connection's own way to write here.
func eagerWriter(net.Conn) func([]byte) error { return nil }
