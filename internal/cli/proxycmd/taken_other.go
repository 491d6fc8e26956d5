//go:build !windows

package proxycmd

import "syscall"

// errTaken says that another program listens on an address.
const errTaken = syscall.EADDRINUSE
