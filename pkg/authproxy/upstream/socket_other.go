//go:build !unix

package upstream

import "net"

// newPeek cannot look into a socket here.
func newPeek(net.Conn) func() bool { return nil }

// lazyReader has no way to wait without a buffer here.
func lazyReader(net.Conn, buffers) func() (*[]byte, int, error) { return nil }
