package server

import (
	"context"
	"net"
	"time"
)

// MaxStall is how long a client may take nothing of a response before its connection is cut; any byte that it takes keeps
// the connection. Without a limit, clients that stop reading would hold memory for ever, here and in the app (security
// class 21).
const MaxStall = time.Minute

// Listen takes a TCP address, "host:port": every interface without a host. Connections are cut after MaxStall.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	return ListenConfig(MaxStall).Listen(ctx, "tcp", address)
}

// ListenConfig is for listeners whose connections are cut when the client takes nothing for that long.
func ListenConfig(stall time.Duration) *net.ListenConfig {
	return &net.ListenConfig{Control: cutStalled(stall)}
}
