package supervise

import (
	"errors"
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// freezeRounds limits how often processes are looked for that were started while the others were being frozen.
const freezeRounds = 100

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
	sendAll(i.members(), resume)
	return errors.New("freeze the app: it starts processes faster than they can be stopped")
}

// Thaw lets a frozen app continue. It does nothing if the app is not frozen.
func (i *Instance) Thaw() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return sendAll(i.members(), resume)
}

// Frozen reports whether the app is frozen, also by an earlier run of the platform.
func (i *Instance) Frozen() bool {
	r, ok := rowOf(i.record.PID)
	return ok && r.started == i.record.Started && r.stopped
}
