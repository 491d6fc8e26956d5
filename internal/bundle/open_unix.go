//go:build unix

package bundle

import "syscall"

// nonBlocking makes opening a pipe return at once; it changes nothing for regular files.
const nonBlocking = syscall.O_NONBLOCK
