package supervise

import "time"

// row is a process in the system's table of processes.
type row struct {
	pid, parent    int
	group, session int    // 0 where the system has none
	started        uint64 // when it began, in a unit of the system: together with pid it is unique until the next boot
	dead           bool   // it has ended but was not collected by its parent
	stopped        bool   // by a signal
	idle           bool   // it waits for something
	cpu            time.Duration
}

// family returns the rows of the processes that belong to an instance: those in the session or group of the leader, those
// that carry its mark, and all their descendants. Without leader, because that has ended and its number may be that of
// another process by now, the others are found.
func family(rows []row, leader int, marked func(pid int) bool) []row {
	children := map[int][]int{} // indexes of rows by parent
	for i, r := range rows {
		children[r.parent] = append(children[r.parent], i)
	}
	member := make([]bool, len(rows))
	var include func(i int)
	include = func(i int) {
		if member[i] {
			return
		}
		member[i] = true
		for _, child := range children[rows[i].pid] {
			include(child)
		}
	}
	for i, r := range rows {
		if leader > 0 && (r.pid == leader || r.group == leader || r.session == leader) {
			include(i)
		}
	}
	for i, r := range rows {
		if !member[i] && !r.dead && marked(r.pid) {
			include(i)
		}
	}
	var found []row
	for i, r := range rows {
		if member[i] && !r.dead {
			found = append(found, r)
		}
	}
	return found
}
