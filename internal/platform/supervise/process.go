// Package supervise runs programs together with everything they start. An App of `up` is restarted when it crashes, and
// an installer runs until it is done: both end with this process. An Instance is one run of a deployed app, which outlives
// this process and is found again by the next. Nothing that a program started outlives it. The package does not know how
// an environment is built or who connects to an app.
package supervise

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// markName is a variable that every process of one run inherits. It identifies those that left the process group.
const markName = "PLOOMBER_CLOUD_RUN"

const (
	leftoverGrace = 5 * time.Second  // for what a program leaves behind when it exits by itself
	cleanupLimit  = 30 * time.Second // for platform.Command.Cleanup
	drainLimit    = 5 * time.Second  // for output still in the pipe after the last process has exited
)

// Run runs c to its end. The error is a *platform.ExitError if it did not succeed, ctx.Err() if ctx ended first;
// then, as after success, no process of c is left.
func Run(ctx context.Context, c platform.Command) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p, err := start(c)
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stop(leftoverGrace)
		return ctx.Err()
	}
	if p.exit.Code != 0 {
		return p.exit
	}
	return nil
}

// process is a started command and all its descendants.
type process struct {
	cmd  *exec.Cmd
	tree *tree
	tail tail

	stopping sync.Once
	done     chan struct{}       // closed when no process is left
	exit     *platform.ExitError // valid once done is closed; Code 0 after success
}

// start starts c. The caller must wait for done or call stop.
func start(c platform.Command) (*process, error) {
	mark := rand.Text()
	cmd := exec.Command(c.Path, c.Args...)
	cmd.Dir = c.Dir
	cmd.Env = append(platform.Without(c.Env, markName), markName+"="+mark)
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	p := &process{cmd: cmd, tree: newTree(cmd, mark), done: make(chan struct{})}

	started := make(chan error)
	go func() {
		// Linux kills the child when the thread that started it ends, so that thread has to stay.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.tree.adopt(c)
			if c.Background {
				yieldToOthers(cmd.Process.Pid)
			}
		}
		started <- err
		if err == nil {
			p.reap(c, out)
		}
	}()
	err = <-started
	_ = in.Close() // the child has its own copy
	if err != nil {
		_ = out.Close()
		p.tree.release()
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	return p, nil
}

func (p *process) ended() <-chan struct{}       { return p.done }
func (p *process) why(s Spec) *platform.Problem { return crashed(p.exit, p.lastLines, s) }
func (p *process) lastLines(n int) []string     { return p.tail.lastOf(n) }
func (p *process) listens() []int               { return p.tree.listens() }

// reap forwards the output of p until it has ended, kills what is left of it, and records the result.
func (p *process) reap(c platform.Command, out *os.File) {
	copied := make(chan struct{})
	go func() {
		copyLines(c.Output, &p.tail, out, c.Edit)
		close(copied)
	}()
	err := p.cmd.Wait()
	p.endLeftovers()
	cleanup(c)
	p.tree.release()
	select {
	case <-copied:
	case <-time.After(drainLimit): // a process that we cannot see holds the pipe
		_ = out.Close()
		<-copied
	}
	_ = out.Close()
	p.exit = exitOf(err)
	p.exit.Output = p.tail.last()
	close(p.done)
}

// endLeftovers ends every process started by p.cmd that is still running: first with a request, then forcibly.
func (p *process) endLeftovers() {
	if p.tree.empty() {
		return
	}
	p.tree.terminate()
	force := time.NewTimer(leftoverGrace)
	defer force.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for killed := false; !p.tree.empty(); {
		select {
		case <-look.C:
		case <-force.C:
			if killed { // the kernel does not release it
				return
			}
			p.tree.kill()
			killed = true
			force.Reset(leftoverGrace) // a killed process ends a little later, on a busy machine
		}
	}
}

// cleanup runs c.Cleanup, if there is one.
func cleanup(c platform.Command) {
	if len(c.Cleanup) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Cleanup[0], c.Cleanup[1:]...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	_ = cmd.Run() // usually there is nothing to clean up, which is a failure for it
}

// stop asks p to end, kills it after grace, and returns when nothing of it is left. It may be called more than
// once and after p has ended.
func (p *process) stop(grace time.Duration) {
	p.stopping.Do(func() {
		select {
		case <-p.done:
			return
		default:
		}
		p.tree.terminate()
		force := time.NewTimer(grace)
		defer force.Stop()
		select {
		case <-p.done:
		case <-force.C:
			p.tree.kill()
		}
	})
	<-p.done
}

func exitOf(err error) *platform.ExitError {
	var ee *exec.ExitError
	switch {
	case err == nil:
		return &platform.ExitError{}
	case errors.As(err, &ee):
		return &platform.ExitError{Code: ee.ExitCode(), Signal: signalOf(ee.ProcessState)}
	default:
		return &platform.ExitError{Code: -1, Output: []string{err.Error()}}
	}
}
