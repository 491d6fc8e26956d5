package supervise

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
)

// The kernel ends the app where the guard has been killed too, as the killer of a whole group may do.
func TestKilledSupervisorAndGuard(t *testing.T) {
	t.Parallel()
	cmd, text := elsewhere(t, "serve")
	if code, _ := get(t, address(t, text)); code != http.StatusOK {
		t.Fatalf("answer %d: the test proves nothing", code)
	}
	guards := 0
	for _, pid := range processes() {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		ours := len(fields) > 1 && string(fields[1]) == strconv.Itoa(cmd.Process.Pid)
		if ours && bytes.HasPrefix(line, []byte("/bin/sh\x00-c\x00")) {
			guards++
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	if guards != 1 {
		t.Errorf("%d guards", guards)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the app ends", func() bool { code, _ := get(t, address(t, text)); return code == 0 })
}

// running reports whether a process can still do something: it is not a zombie, and has not given back its memory, which a
// killed one does a little before it becomes one.
func running(pid int) bool {
	_, alive := statOf(pid)
	env, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	return alive && len(env) > 0
}

func TestStatOf(t *testing.T) {
	t.Parallel()
	group, alive := statOf(os.Getpid())
	if group != syscall.Getpgrp() || !alive {
		t.Errorf("group %d, alive %v", group, alive)
	}
	if _, alive := statOf(1 << 30); alive {
		t.Error("a process that cannot be is alive")
	}
}
