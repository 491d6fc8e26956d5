package supervise

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// tree is a job object. Windows ends its processes when the last handle to it is closed, which is ours, so
// they end with us however we end.
type tree struct {
	cmd *exec.Cmd
	job windows.Handle // 0 where the system gave none; then only the command itself is ended
}

func newTree(cmd *exec.Cmd, _ string) *tree {
	// A console process group of its own: Ctrl-C reaches only us, Ctrl-Break can be sent to the group.
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return &tree{cmd: cmd}
	}
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err != nil {
		_ = windows.CloseHandle(job)
		return &tree{cmd: cmd}
	}
	return &tree{cmd: cmd, job: job}
}

func (t *tree) adopt(platform.Command) {
	if t.job == 0 {
		return
	}
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE
	h, err := windows.OpenProcess(access, false, uint32(t.cmd.Process.Pid))
	if err != nil {
		return
	}
	defer func() { _ = windows.CloseHandle(h) }()
	_ = windows.AssignProcessToJobObject(t.job, h)
}

func (t *tree) terminate() {
	_ = windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(t.cmd.Process.Pid))
}

func (t *tree) kill() {
	if t.job != 0 {
		_ = windows.TerminateJobObject(t.job, 1)
	}
	_ = t.cmd.Process.Kill()
}

// empty ends what is left of the job at once: without a console there is no polite way to ask for it.
func (t *tree) empty() bool {
	if t.job != 0 {
		_ = windows.TerminateJobObject(t.job, 1)
	}
	return true
}

func (t *tree) release() {
	if t.job != 0 {
		_ = windows.CloseHandle(t.job)
		t.job = 0
	}
}

func signalOf(*os.ProcessState) string { return "" }
