package supervise

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// freezeRounds limits how often processes are looked for that were started while the others were being frozen.
const freezeRounds = 100

// thawLimit is how long the first process waits for the others when it is thawed.
const thawLimit = time.Second

// Freeze takes all CPU time from the app until Thaw. Its memory and its connections stay. The error wraps
// errors.ErrUnsupported on systems without it, platform.ErrState while the app is being stopped; after any error the app
// runs.
func (i *Instance) Freeze() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopping {
		return fmt.Errorf("freeze an app that is being stopped: %w", platform.ErrState)
	}
	for range freezeRounds {
		awake := 0
		members := i.members()
		for _, r := range members {
			if !r.stopped {
				awake++
			}
		}
		if awake == 0 {
			return nil
		}
		if err := sendAll(members, pause); errors.Is(err, errors.ErrUnsupported) {
			return fmt.Errorf("freeze the app: %w", err)
		}
		time.Sleep(time.Millisecond) // until the signals have arrived
	}
	_ = sendAll(i.members(), resume)
	return errors.New("freeze the app: it starts processes faster than they can be stopped")
}

// Thaw lets a frozen app continue. It does nothing if the app is not frozen.
//
// The first process continues last: one such as gunicorn watches the others, and would end those that have not reported
// to it for too long.
func (i *Instance) Thaw() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	members := i.members()
	leader := slices.IndexFunc(members, func(r row) bool { return r.pid == i.record.PID })
	if leader < 0 || !members[leader].stopped {
		return sendAll(members, resume)
	}
	first := members[leader]
	others := slices.Delete(members, leader, leader+1)
	err := sendAll(others, resume)
	awaitIdle(others)
	return errors.Join(err, sendAll([]row{first}, resume))
}

// awaitIdle waits until processes that continue have done what was due, but not for those that are busy with something
// longer.
func awaitIdle(continued []row) {
	limit := time.NewTimer(thawLimit)
	defer limit.Stop()
	for _, r := range continued {
		for {
			if now, ok := rowOf(r.pid); !ok || now.idle {
				break
			}
			select {
			case <-time.After(time.Millisecond):
			case <-limit.C:
				return
			}
		}
	}
}

// Frozen reports whether the app is frozen, also by an earlier run of the platform.
func (i *Instance) Frozen() bool {
	r, ok := rowOf(i.record.PID)
	return ok && r.started == i.record.Started && r.stopped
}
