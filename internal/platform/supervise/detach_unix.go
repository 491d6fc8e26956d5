//go:build linux || darwin

package supervise

import (
	"errors"
	"os/exec"
	"syscall"
)

// What can be asked of processes.
const (
	askToEnd = syscall.SIGTERM
	forceEnd = syscall.SIGKILL
	pause    = syscall.SIGSTOP
	resume   = syscall.SIGCONT
)

// sendAll sends s to processes. It ignores those that have ended.
func sendAll(to []row, s syscall.Signal) error {
	var all error
	for _, r := range to {
		if err := syscall.Kill(r.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// startDetached starts cmd, whose output is set, as the leader of a session of its own without a terminal.
func startDetached(cmd *exec.Cmd, c confinement) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if c.user != 0 { // in its group and no other
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(c.user), Gid: uint32(c.user)}
	}
	return startConfined(cmd, c)
}
