//go:build unix

package e2e

import (
	"os/exec"
	"syscall"
)

// ownGroup makes the process the leader of a group, so that the workers it starts end with it.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(c *exec.Cmd) { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
