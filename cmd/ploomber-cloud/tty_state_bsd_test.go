//go:build unix && !linux

package main_test

import "golang.org/x/sys/unix"

const getTermios = unix.TIOCGETA
