//go:build !windows

package platform

import "syscall"

// ErrTaken says that another program listens on an address.
const ErrTaken = syscall.EADDRINUSE
