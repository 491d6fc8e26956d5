package supervise

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on every architecture that we build for.
const tick = time.Second / 100

// bootID identifies the time since the last boot.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// table returns all processes.
func table() []row {
	var rows []row
	for _, pid := range processes() {
		if r, ok := rowOf(pid); ok {
			rows = append(rows, r)
		}
	}
	return rows
}

// rowOf reads /proc/PID/stat, see proc_pid_stat(5). The name in parentheses may hold anything.
func rowOf(pid int) (row, bool) {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return row{}, false
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // fields[0] is the third: the state
	if len(fields) < 20 {
		return row{}, false
	}
	number := func(field int) int {
		n, _ := strconv.Atoi(string(fields[field-3]))
		return n
	}
	started, err := strconv.ParseUint(string(fields[22-3]), 10, 64)
	if err != nil {
		return row{}, false
	}
	state := fields[0][0]
	return row{
		pid: pid, parent: number(4), group: number(5), session: number(6), started: started,
		dead: state == 'Z' || state == 'X', stopped: state == 'T', idle: state == 'S',
		cpu: time.Duration(number(14)+number(15)+number(16)+number(17)) * tick, // of itself and of collected children
	}, true
}

// hasMark reports whether a process was started with a variable, given as NAME=value.
func hasMark(pid int, mark string) bool {
	env, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	return err == nil && bytes.Contains(env, []byte(mark))
}

// privateMemory returns the bytes of memory that would be free without a process.
func privateMemory(pid int) int64 {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	if rollup, err := os.ReadFile(filepath.Join(dir, "smaps_rollup")); err == nil {
		var sum int64
		for line := range strings.Lines(string(rollup)) {
			if rest, ok := strings.CutPrefix(line, "Private_"); ok {
				_, size, _ := strings.Cut(rest, ":")
				n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(size), " kB"), 10, 64)
				sum += n << 10
			}
		}
		return sum
	}
	statm, err := os.ReadFile(filepath.Join(dir, "statm")) // pages: total, resident, shared with files
	fields := bytes.Fields(statm)
	if err != nil || len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	shared, _ := strconv.ParseInt(string(fields[2]), 10, 64)
	return (resident - shared) * int64(os.Getpagesize())
}
