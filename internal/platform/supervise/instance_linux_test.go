package supervise

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// An app gets nothing of the platform but what it is given: no open file, no terminal, no way to other privileges.
func TestLaunchedProcess(t *testing.T) {
	t.Parallel()
	open, err := syscall.Open(os.DevNull, syscall.O_RDONLY, 0) // a descriptor that programs inherit
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(open) }()
	s := instanceSpec(t, "serve")
	i := launched(t, s)
	proc := fmt.Sprintf("/proc/%d", i.record.PID)
	for fd, want := range []string{os.DevNull, s.Output, s.Output} {
		if to, err := os.Readlink(filepath.Join(proc, "fd", fmt.Sprint(fd))); to != want {
			t.Errorf("descriptor %d is %q, want %q; %v", fd, to, want, err)
		}
	}
	if to, _ := os.Readlink(filepath.Join(proc, "fd", fmt.Sprint(open))); to == os.DevNull {
		t.Errorf("the app inherited descriptor %d", open)
	}
	status, err := os.ReadFile(filepath.Join(proc, "status"))
	if err != nil || !bytes.Contains(status, []byte("NoNewPrivs:\t1\n")) {
		t.Errorf("the app may gain privileges: %v\n%s", err, status)
	}
	r, ok := rowOf(i.record.PID)
	if !ok || r.session != r.pid || r.group != r.pid {
		t.Errorf("%+v: not the leader of a session of its own", r)
	}
}

func TestRowOf(t *testing.T) {
	t.Parallel()
	r, ok := rowOf(os.Getpid())
	if !ok || r.pid != os.Getpid() || r.parent != os.Getppid() || r.group != syscall.Getpgrp() || r.started == 0 || r.dead || r.stopped {
		t.Errorf("%+v, %v", r, ok)
	}
	if _, ok := rowOf(1 << 30); ok {
		t.Error("a process that cannot exist is found")
	}
}
