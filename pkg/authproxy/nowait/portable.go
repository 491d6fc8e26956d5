//go:build unix && !(linux && (amd64 || arm64) && !noraw)

package nowait

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// Read is read(2) on a socket that does not block; 0 bytes are the end. The error is a syscall.Errno.
func Read(fd uintptr, b []byte) (int, error) { return call(syscall.Read, fd, b) }

// Write is write(2) on a socket that does not block. The error is a syscall.Errno.
func Write(fd uintptr, b []byte) (int, error) { return call(syscall.Write, fd, b) }

// Peek is recv(2) that takes nothing away.
func Peek(fd uintptr, b []byte) (int, error) {
	return call(func(fd int, b []byte) (int, error) {
		n, _, err := unix.Recvfrom(fd, b, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		return n, err
	}, fd, b)
}

// call repeats a system call that a signal has interrupted. The count is 0 after an error.
func call(f func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := f(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return max(n, 0), err
		}
	}
}
