package server

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cutStalled lets the kernel cut connections whose client takes nothing for that long. They inherit the setting from the
// listener, so it costs nothing per connection or write, and leaves bodies to be moved by splice.
func cutStalled(after time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if controlErr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(after.Milliseconds()))
		}); controlErr != nil {
			return controlErr
		}
		return err
	}
}
