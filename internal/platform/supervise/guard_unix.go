//go:build unix

package supervise

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// guardScript waits until its standard input ends, which happens when we end however we end, and then ends
// process group $1 and whatever carries the mark $2 in its environment. The rest is a command to run last.
const guardScript = `read -r _
kill -s TERM -- "-$1"
n=0
while [ "$n" -lt 5 ] && kill -s 0 -- "-$1"; do sleep 1; n=$((n + 1)); done
kill -s KILL -- "-$1"
for f in $(grep -slF -- "$2" /proc/[0-9]*/environ); do p=${f#/proc/}; kill -s KILL "${p%/environ}"; done
shift 2
[ "$#" -eq 0 ] || exec "$@"
`

// guard is a small process that outlives us when we are killed, to end what we started.
type guard struct {
	cmd  *exec.Cmd
	life *os.File // closed by the system when we end
}

// newGuard starts a guard for a process group; nil where there is no shell, for then a guard is not to be had.
func newGuard(pgid int, mark string, c platform.Command) *guard {
	in, life, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer in.Close()
	args := append([]string{"-c", guardScript, "sh", strconv.Itoa(pgid), mark}, c.Cleanup...)
	cmd := exec.Command("/bin/sh", args...)
	cmd.Dir = "/"                                                // keeps no folder of the user busy
	cmd.Env = []string{"PATH=" + platform.Lookup(c.Env, "PATH")} // it has no use for the app's secrets
	if len(c.Cleanup) > 0 {
		cmd.Env = platform.Without(c.Env, markName)
	}
	cmd.Stdin = in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if cmd.Start() != nil {
		_ = life.Close()
		return nil
	}
	return &guard{cmd: cmd, life: life}
}

// dismiss ends the guard, whose work is done.
func (g *guard) dismiss() {
	_ = g.cmd.Process.Kill()
	_ = g.cmd.Wait()
	_ = g.life.Close()
}
