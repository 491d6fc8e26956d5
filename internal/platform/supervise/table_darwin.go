package supervise

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// States of a process in struct extern_proc, see sys/proc.h.
const (
	stateStopped = 4
	stateZombie  = 5
)

// bootID identifies the time since the last boot.
func bootID() string {
	boot, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return strconv.FormatInt(boot.Sec, 10)
}

// table returns all processes.
func table() []row {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return nil
	}
	rows := make([]row, 0, len(all))
	for i := range all {
		rows = append(rows, rowFrom(&all[i]))
	}
	return rows
}

func rowOf(pid int) (row, bool) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(p.Proc.P_pid) != pid {
		return row{}, false
	}
	return rowFrom(p), true
}

// rowFrom leaves out the CPU time, which the system only tells about oneself.
func rowFrom(p *unix.KinfoProc) row {
	return row{
		pid: int(p.Proc.P_pid), parent: int(p.Eproc.Ppid), group: int(p.Eproc.Pgid),
		started: uint64(time.Duration(p.Proc.P_starttime.Sec)*time.Second) + uint64(p.Proc.P_starttime.Usec)*uint64(time.Microsecond),
		dead:    p.Proc.P_stat == stateZombie, stopped: p.Proc.P_stat == stateStopped,
	}
}

// hasMark finds none: descendants that left the process group are found by their parents.
func hasMark(int, string) bool { return false }

func privateMemory(int) int64 { return 0 }
