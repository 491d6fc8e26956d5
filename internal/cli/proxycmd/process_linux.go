package proxycmd

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// addProcess declares what is known of the process, under the names that every exporter has for it. All of it is asked
// of the system at each look, and nothing between.
func (m *meter) addProcess() {
	m.Total("process_cpu_seconds_total", "Time of processors that the proxy has used.", func() float64 {
		var used unix.Rusage
		_ = unix.Getrusage(unix.RUSAGE_SELF, &used) // cannot fail for the process itself
		return (time.Duration(used.Utime.Nano()) + time.Duration(used.Stime.Nano())).Seconds()
	})
	m.Gauge("process_resident_memory_bytes", "Memory of the proxy that is in RAM.", func() float64 {
		statm, _ := os.ReadFile("/proc/self/statm") // proc(5): pages, the second number those in RAM
		fields := strings.Fields(string(statm))
		if len(fields) < 2 {
			return 0
		}
		pages, _ := strconv.ParseFloat(fields[1], 64)
		return pages * float64(os.Getpagesize())
	})
	m.Gauge("process_open_fds", "File descriptors that are open: connections of visitors and to the app, above all.", func() float64 {
		open, _ := os.ReadDir("/proc/self/fd")
		return float64(len(open))
	})
	m.Gauge("process_max_fds", "File descriptors that may be open.", func() float64 {
		var most unix.Rlimit
		_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &most)
		return float64(most.Cur)
	})
}
