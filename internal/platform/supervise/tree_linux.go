package supervise

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// groupLeader also asks the kernel to end the child when we end, in case the guard has been killed as well.
func groupLeader() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// groupAlive reports whether a process of the group runs. Zombies do not count: where nobody collects them,
// as in many containers, they would stay for ever.
func groupAlive(pgid int) bool {
	if syscall.Kill(-pgid, 0) == syscall.ESRCH {
		return false
	}
	for _, pid := range processes() {
		if group, alive := statOf(pid); group == pgid && alive {
			return true
		}
	}
	return false
}

// strays returns the running processes outside group pgid whose environment holds mark, as that of every
// descendant does. Jupyter kernels, for one, are started in a session of their own.
func strays(pgid int, mark string) []int {
	var found []int
	for _, pid := range processes() {
		env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
		if err != nil || !bytes.Contains(env, []byte(mark)) {
			continue
		}
		if group, alive := statOf(pid); alive && group != pgid {
			found = append(found, pid)
		}
	}
	return found
}

func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// statOf reads a process's group and whether it runs from /proc/PID/stat: "PID (NAME) STATE PPID PGRP ...",
// where NAME may hold anything.
func statOf(pid int) (group int, alive bool) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 3 {
		return 0, false
	}
	group, err = strconv.Atoi(string(fields[2]))
	state := fields[0][0]
	return group, err == nil && state != 'Z' && state != 'X'
}
