package supervise

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// How apps compare with the platform where the machine is short of something.
const (
	appNice     = 5   // more than ours, without control groups, so that the platform gets CPU time first
	appOOMScore = 500 // so that the kernel ends apps first if memory runs out (proc_pid_oom_score_adj(5))
)

// startConfined starts cmd. It inherits none of our open files.
func startConfined(cmd *exec.Cmd, c confinement) error {
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // those that we inherited; Linux 5.11
	err := onThreadOfItsOwn(func() error {
		if err := confineThread(c); err != nil {
			return err
		}
		return startIn(cmd, c.group)
	})
	if err != nil {
		return err
	}
	pid := cmd.Process.Pid
	_ = unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil) // a crash must not fill the disk
	_ = writeTo(filepath.Join("/proc", strconv.Itoa(pid)), "oom_score_adj", strconv.Itoa(appOOMScore))
	return nil
}

// onThreadOfItsOwn calls f on a thread that ends with it, with everything that f has changed about that thread.
func onThreadOfItsOwn(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: so the thread ends
		if unix.Gettid() != os.Getpid() {
			result <- f()
			return
		}
		defer runtime.UnlockOSThread() // the main thread never ends; while it is held here, f gets another one
		result <- onThreadOfItsOwn(f)
	}()
	return <-result
}

// confineThread sets for this thread what its child inherits from it.
func confineThread(c confinement) error {
	if !c.mayGainPrivileges {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("give up gaining privileges: %w", err)
		}
	}
	if c.nice {
		if priority, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil { // 20 less the nice value
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, min(20-priority+appNice, 19))
		}
	}
	for _, dir := range c.group {
		if isUnified(dir) { // see startIn
			continue
		}
		if err := writeTo(dir, "tasks", "0"); err != nil { // 0 is the writer
			return fmt.Errorf("enter a control group: %w", err)
		}
	}
	return nil
}

// startIn starts cmd in a control group of version 2, which takes whole processes only.
func startIn(cmd *exec.Cmd, g group) error {
	for _, dir := range g {
		if isUnified(dir) {
			folder, err := os.Open(dir)
			if err != nil {
				return err
			}
			defer folder.Close()
			cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(folder.Fd())
		}
	}
	return cmd.Start()
}
