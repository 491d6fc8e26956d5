package supervise

import (
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

const (
	backgroundNice     = 19  // the most; apps have appNice
	backgroundOOMScore = 900 // ended before apps if memory runs out
	ioGroup            = 2   // IOPRIO_WHO_PGRP of ioprio_set(2)
	ioLowest           = 2<<13 | 7
)

// yieldToOthers gives a program that has just started, and what it starts, the lowest priority. pid is that of a group leader.
func yieldToOthers(pid int) {
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, backgroundNice)
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioGroup, uintptr(pid), ioLowest)
	_ = writeTo(filepath.Join("/proc", strconv.Itoa(pid)), "oom_score_adj", strconv.Itoa(backgroundOOMScore))
}
