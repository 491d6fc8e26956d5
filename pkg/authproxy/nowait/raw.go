//go:build linux && (amd64 || arm64) && !noraw

package nowait

import (
	"syscall"
	"unsafe"
)

// Read is read(2); 0 bytes are the end. The error is a syscall.Errno.
func Read(fd uintptr, b []byte) (int, error) { return call(syscall.SYS_READ, fd, b, 0) }

// Write is write(2). The error is a syscall.Errno.
func Write(fd uintptr, b []byte) (int, error) { return call(syscall.SYS_WRITE, fd, b, 0) }

// Peek is recv(2) that takes nothing away.
func Peek(fd uintptr, b []byte) (int, error) {
	return call(syscall.SYS_RECVFROM, fd, b, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
}

// call repeats a system call that a signal has interrupted. The count is 0 after an error.
func call(number, fd uintptr, b []byte, flags uintptr) (int, error) {
	for {
		n, _, errno := syscall.RawSyscall6(number, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), flags, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case syscall.EINTR:
		default:
			return 0, errno
		}
	}
}
