package proxycmd

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cutStalled makes the kernel cut connections whose peer accepts no data for that long (TCP_USER_TIMEOUT).
// Connections inherit it from the listener, so it costs nothing per connection or write and does not prevent
// splice.
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
