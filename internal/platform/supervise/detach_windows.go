package supervise

import (
	"errors"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// action is what can be asked of processes.
type action int

const (
	askToEnd action = iota // not possible: there is no console in common
	forceEnd
	pause
	resume
)

// sendAll asks something of processes. It ignores those that have ended.
func sendAll(to []row, a action) error {
	switch a {
	case askToEnd, resume:
		return nil
	case pause:
		return errors.ErrUnsupported
	default:
	}
	for _, r := range to {
		h, err := windows.OpenProcess(windows.PROCESS_TERMINATE, false, uint32(r.pid))
		if err != nil {
			continue
		}
		_ = windows.TerminateProcess(h, 1)
		_ = windows.CloseHandle(h)
	}
	return nil
}

// startDetached starts cmd, whose output is set, without a console.
func startDetached(cmd *exec.Cmd, _ confinement) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS}
	return cmd.Start()
}
