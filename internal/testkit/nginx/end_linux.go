package nginx

import (
	"os/exec"
	"syscall"
)

// endWithTest ends nginx when the test is killed and cleans up nothing.
func endWithTest(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM} }
