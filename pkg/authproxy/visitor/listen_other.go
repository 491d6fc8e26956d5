//go:build !unix

package visitor

import "net"

// Listen returns l as it is: there is no way to look for a visitor's going away here without waiting for it.
func Listen(l net.Listener) net.Listener { return l }

// Gone is never called, since there is no Conn here.
func (c *Conn) Gone() bool { return false }
