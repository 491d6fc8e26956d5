//go:build !windows

package gateway

import "syscall"

// errTaken says that another program listens on an address.
const errTaken = syscall.EADDRINUSE
