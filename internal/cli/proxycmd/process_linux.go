package proxycmd

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// addProcess registers process metrics under their conventional names. They are read on each scrape.
func (m *meter) addProcess() {
	m.Total("process_cpu_seconds_total", "Total user and system CPU time of the proxy, in seconds.", func() float64 {
		var used unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_SELF, &used) // cannot fail for the process itself
		return (time.Duration(used.Utime.Nano()) + time.Duration(used.Stime.Nano())).Seconds()
	})
	m.Gauge("process_resident_memory_bytes", "Resident memory of the proxy, in bytes.", func() float64 {
		statm, _ := os.ReadFile("/proc/self/statm") // proc(5): pages, the second number those in RAM
		fields := strings.Fields(string(statm))
		if len(fields) < 2 {
			return 0
		}
		pages, _ := strconv.ParseFloat(fields[1], 64)
		return pages * float64(os.Getpagesize())
	})
	m.Gauge("process_open_fds", "Open file descriptors, mostly connections of clients and to the app.", func() float64 {
		open, _ := os.ReadDir("/proc/self/fd")
		return float64(len(open))
	})
	m.Gauge("process_max_fds", "Maximum number of open file descriptors.", func() float64 {
		var most unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &most)
		return float64(most.Cur)
	})
}
