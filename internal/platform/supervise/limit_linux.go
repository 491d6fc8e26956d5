package supervise

import (
	"math"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// startLimited starts cmd, which cannot gain privileges and inherits none of our open files.
func startLimited(cmd *exec.Cmd, _ Limits) error {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // those of ours that we inherited; Linux 5.11
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, which may not gain privileges either, ends
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
	}()
	return <-started
}
