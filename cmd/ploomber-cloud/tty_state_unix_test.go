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

// unread counts the bytes that were typed, or told by the terminal, and which the program has not read.
func unread(t *testing.T, tty *os.File) (n int) {
	t.Helper()
	control, err := tty.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := control.Control(func(fd uintptr) { n, failed = unix.IoctlGetInt(int(fd), getUnread) }); err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return n
}
