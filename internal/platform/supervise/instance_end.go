package supervise

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Stop ends the app and everything it started, forcibly after grace, and returns when nothing is left: a few seconds after
// grace at most, whatever the app does.
func (i *Instance) Stop(grace time.Duration) {
	select {
	case <-i.quit: // the app may be another Instance by now
		return
	default:
	}
	i.mu.Lock()
	i.stopping = true
	i.mu.Unlock()
	members := i.members()
	_ = sendAll(members, askToEnd)
	_ = sendAll(members, resume) // a frozen process does not see the request
	force := time.NewTimer(grace)
	defer force.Stop()
	select {
	case <-i.done:
		return
	case <-force.C:
	}
	i.forced.Do(func() { close(i.force) })
	i.kill()
	<-i.done
}

// watch waits until the leader has ended, ends what it left, and says why.
func (i *Instance) watch() {
	defer i.gone.Done()
	if !awaitExit(i.record.PID, i.record.Started, i.quit) {
		return
	}
	i.endRemains() // first, as an ended child keeps its number until it is collected
	exit := i.collect()
	i.cleanup()
	i.mu.Lock()
	if !i.stopping {
		i.problem = i.crashed(exit)
	}
	i.mu.Unlock()
	i.confined.release()
	_ = os.Remove(filepath.Join(i.home, recordName))
	close(i.done)
}

// crashed is the problem of an app that was not stopped.
func (i *Instance) crashed(exit *platform.ExitError) *platform.Problem {
	problem := crashed(exit, i.lastLines, i.spec)
	if i.record.Group.outOfMemory() {
		problem.Reason, problem.Hint = platform.ReasonMemory, i.spec.advice().memory
		problem.Msg = fmt.Sprintf("the app used more memory than its limit of %d MB", i.record.Memory/1e6)
	}
	return problem
}

// collect returns how the leader ended; nil if it is not our child, so that the system does not tell us.
func (i *Instance) collect() *platform.ExitError {
	if i.child == nil {
		return nil
	}
	return exitOf(i.child.Wait())
}

// endRemains ends the processes that are left without their leader: first with a request, then forcibly.
func (i *Instance) endRemains() {
	_ = sendAll(i.members(), askToEnd)
	force := time.NewTimer(leftoverGrace)
	defer force.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		if len(i.members()) == 0 {
			return
		}
		select {
		case <-look.C:
			continue
		case <-force.C:
		case <-i.force:
		}
		i.kill()
		return
	}
}

// kill ends all processes forcibly, again and again, since a new one may be started meanwhile.
func (i *Instance) kill() {
	limit := time.NewTimer(killLimit)
	defer limit.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		left := i.members()
		if len(left) == 0 {
			return
		}
		_ = sendAll(left, forceEnd)
		select {
		case <-look.C:
		case <-limit.C:
			return
		}
	}
}

// cleanup removes what the app left outside of its processes, such as a container.
func (i *Instance) cleanup() {
	if len(i.record.Cleanup) == 0 {
		return
	}
	cleanup(platform.Command{Dir: i.home, Env: i.record.Environ, Cleanup: i.record.Cleanup})
}
