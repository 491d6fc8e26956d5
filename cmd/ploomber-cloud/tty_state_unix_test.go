//go:build unix

package main_test

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// echoes reports whether a terminal shows what is typed.
func echoes(t *testing.T, tty *os.File) bool {
	t.Helper()
	control, err := tty.SyscallConn() // Fd would make its reads block for ever
	if err != nil {
		t.Fatal(err)
	}
	var mode *unix.Termios
	var failed error
	if err := control.Control(func(fd uintptr) { mode, failed = unix.IoctlGetTermios(int(fd), getTermios) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return mode.Lflag&unix.ECHO != 0
}
