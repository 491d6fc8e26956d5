package main_test

import "golang.org/x/sys/unix"

const getTermios = unix.TCGETS

const getUnread = unix.TIOCINQ
