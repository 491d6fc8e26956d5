//go:build unix && !linux

package main_test

import "golang.org/x/sys/unix"

const getTermios = unix.TIOCGETA

const getUnread = 0x4004667f // FIONREAD
