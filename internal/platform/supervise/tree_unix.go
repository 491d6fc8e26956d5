//go:build unix

package supervise

import (
	"os"
	"os/exec"
	"syscall"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// tree is a process group and, where the system lets us see them, the descendants that left it.
type tree struct {
	cmd   *exec.Cmd
	pgid  int
	mark  string // value of markName
	guard *guard
}

// newTree makes cmd, which is not yet started, the leader of its own process group: a Ctrl-C in the terminal
// reaches only us, and we stop things in order.
func newTree(cmd *exec.Cmd, mark string) *tree {
	cmd.SysProcAttr = groupLeader()
	return &tree{cmd: cmd, mark: mark}
}

// adopt takes over the command after its start.
func (t *tree) adopt(c platform.Command) {
	t.pgid = t.cmd.Process.Pid
	t.guard = newGuard(t.pgid, markName+"="+t.mark, c)
}

func (t *tree) terminate() { t.signal(syscall.SIGTERM) }
func (t *tree) kill()      { t.signal(syscall.SIGKILL) }

func (t *tree) signal(s syscall.Signal) {
	_ = syscall.Kill(-t.pgid, s)
	for _, pid := range strays(t.pgid, markName+"="+t.mark) {
		_ = syscall.Kill(pid, s)
	}
}

// empty reports whether no process of the tree runs any more.
func (t *tree) empty() bool {
	return !groupAlive(t.pgid) && len(strays(t.pgid, markName+"="+t.mark)) == 0
}

// release ends the watch over the tree. Nothing of it may be running.
func (t *tree) release() {
	if t.guard != nil {
		t.guard.dismiss()
	}
}

func signalOf(s *os.ProcessState) string {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return w.Signal().String()
	}
	return ""
}
