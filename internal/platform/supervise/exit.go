package supervise

import "time"

// exitInterval is the time between two looks at a process where the system does not tell that it has ended.
const exitInterval = 200 * time.Millisecond

// pollExit is awaitExit for systems and kernels on which one has to look.
func pollExit(pid int, started uint64, quit <-chan struct{}) bool {
	look := time.NewTicker(exitInterval)
	defer look.Stop()
	for {
		if r, ok := rowOf(pid); !ok || r.started != started || r.dead {
			return true
		}
		select {
		case <-look.C:
		case <-quit:
			return false
		}
	}
}
