package proxycmd

import (
	"context"
	"net"
	"time"
)

// maxStall is how long a visitor may leave data of an answer unread before the connection is cut, however little
// of it is read keeps it. Without a limit those who stop reading would hold memory, here and in the app, for ever
// (security class 21).
const maxStall = 60 * time.Second

// Listen takes an address for visitors: "host:port", all interfaces without a host.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	return listenWith(ctx, address, maxStall)
}

func listenWith(ctx context.Context, address string, stall time.Duration) (net.Listener, error) {
	lc := net.ListenConfig{Control: cutStalled(stall)}
	return lc.Listen(ctx, "tcp", address)
}
