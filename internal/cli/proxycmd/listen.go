package proxycmd

import (
	"context"
	"net"
	"time"
)

// maxStall is how long a client may leave response data unread before its connection is cut, however few bytes it
// reads to stay alive. Without a limit, clients that stop reading would hold memory in the proxy and in the app
// forever.
const maxStall = 60 * time.Second

// Listen opens the public listener at "host:port"; no host means all interfaces.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	return listenWith(ctx, address, maxStall)
}

func listenWith(ctx context.Context, address string, stall time.Duration) (net.Listener, error) {
	lc := net.ListenConfig{Control: cutStalled(stall)}
	return lc.Listen(ctx, "tcp", address)
}
