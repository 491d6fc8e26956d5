//go:build !linux

package server

import (
	"syscall"
	"time"
)

// cutStalled is for Linux only; elsewhere the system's own limits hold.
func cutStalled(time.Duration) func(network, address string, c syscall.RawConn) error { return nil }
