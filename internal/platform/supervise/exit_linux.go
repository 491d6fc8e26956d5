package supervise

import (
	"os"

	"golang.org/x/sys/unix"
)

// awaitExit waits until a process has ended and reports true, or until quit is closed and reports false. The process need
// not be a child; one that nobody collects counts as ended.
func awaitExit(pid int, started uint64, quit <-chan struct{}) bool {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil { // it is gone, or the kernel is older than 5.10
		return pollExit(pid, started, quit)
	}
	file := os.NewFile(uintptr(fd), "pidfd")
	defer file.Close()
	if r, ok := rowOf(pid); !ok || r.started != started || r.dead {
		return true
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return pollExit(pid, started, quit)
	}
	ended := make(chan error, 1)
	go func() {
		// The runtime waits for the descriptor together with all others: no thread is held.
		ended <- conn.Read(func(fd uintptr) bool {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			return err == nil && n > 0
		})
	}()
	select {
	case err := <-ended:
		return err == nil || pollExit(pid, started, quit)
	case <-quit:
		_ = file.Close()
		<-ended //nolint:errcheck // the goroutine uses the file until then
		return false
	}
}
