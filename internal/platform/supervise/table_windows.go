package supervise

import (
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// bootID is not needed: the start of a process is a date.
func bootID() string { return "" }

// table returns all processes.
func table() []row {
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = windows.CloseHandle(all) }()
	var rows []row
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(all, &entry); err == nil; err = windows.Process32Next(all, &entry) {
		if r, ok := rowOf(int(entry.ProcessID)); ok {
			r.parent = int(entry.ParentProcessID)
			rows = append(rows, r)
		}
	}
	return withoutStepchildren(rows)
}

// withoutStepchildren removes the parents of processes that are older than these: numbers are soon used again.
func withoutStepchildren(rows []row) []row {
	started := map[int]uint64{}
	for _, r := range rows {
		started[r.pid] = r.started
	}
	for i := range rows {
		if started[rows[i].parent] > rows[i].started {
			rows[i].parent = 0
		}
	}
	return rows
}

func rowOf(pid int) (row, bool) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION|windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return row{}, false
	}
	defer func() { _ = windows.CloseHandle(h) }()
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &exited, &kernel, &user); err != nil {
		return row{}, false
	}
	event, err := windows.WaitForSingleObject(h, 0)
	return row{
		pid: pid, started: ticks(created), dead: err == nil && event == windows.WAIT_OBJECT_0,
		cpu: time.Duration(ticks(kernel)+ticks(user)) * 100,
	}, true
}

// ticks are units of 100 ns.
func ticks(t windows.Filetime) uint64 { return uint64(t.HighDateTime)<<32 | uint64(t.LowDateTime) }

// hasMark finds none: descendants are found by their parents.
func hasMark(int, string) bool { return false }

func privateMemory(int) int64 { return 0 }
