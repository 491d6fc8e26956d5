package devcmd

import (
	"context"
	"errors"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

const (
	quiet    = 500 * time.Millisecond // after the last event of a save: editors write, rename and change modes
	patience = 30 * time.Second       // a file that is written all the time does not hold a deployment back longer
)

// loop turns events into deployments: one for all that happens until it is quiet, and one for all that happens
// while another is under way.
type loop struct {
	quiet, patience time.Duration

	events   <-chan fsnotify.Event
	lost     <-chan error                            // events that could not be told
	concerns func(fsnotify.Event) bool               // tells whether an event is worth a look
	changed  func(ctx context.Context) (bool, error) // looks whether there is something new to deploy
	deploy   func(ctx context.Context) error         // ends with ctx
	failed   func(err error)                         // hears of failures that end nothing
	idle     func()                                  // is called after each deployment that nothing waits behind
}

var errStopped = errors.New("the system tells no changes any more")

// run goes on until ctx ends or the user interrupts a question of a deployment.
func (l loop) run(ctx context.Context) error {
	calm, latest := time.NewTimer(l.quiet), time.NewTimer(l.patience)
	calm.Stop()
	latest.Stop()
	var (
		waiting      bool       // events came since the last look
		due, overdue bool       // it has been quiet long enough, or noisy too long
		running      chan error // nil where no deployment is under way
	)

	wake := func() {
		if !waiting {
			latest.Reset(l.patience)
		}
		waiting, due = true, false
		calm.Reset(l.quiet)
	}
	for {
		select {
		case <-ctx.Done():
			if running != nil {
				<-running //nolint:errcheck // it ended because ctx did, which is what we report
			}
			return ctx.Err()
		case e, ok := <-l.events:
			if !ok {
				return errStopped
			}
			if l.concerns(e) {
				wake()
			}
		case err := <-l.lost:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				l.failed(err)
			}
			wake()
		case <-calm.C:
			due = true
		case <-latest.C:
			overdue = true
		case err := <-running:
			running = nil
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case failure.Code(err) == failure.Interrupted:
				return err
			case err != nil:
				l.failed(err)
			}
			if !waiting {
				l.idle()
			}
		}
		if running != nil || !due && !overdue {
			continue
		}
		waiting, due, overdue = false, false, false
		calm.Stop()
		latest.Stop()
		fresh, err := l.changed(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			l.failed(err)
		case fresh:
			running = make(chan error, 1)
			go func(done chan<- error) { done <- l.deploy(ctx) }(running)
		}
	}
}
