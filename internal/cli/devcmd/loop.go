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
	patience = 30 * time.Second       // a constantly changing file does not delay a deployment longer than this
)

// loop turns events into deployments: one for a burst of events, and one for everything that happens during
// another deployment.
type loop struct {
	quiet, patience time.Duration

	events   <-chan fsnotify.Event
	lost     <-chan error                            // errors of the watcher
	concerns func(fsnotify.Event) bool               // reports whether an event is worth checking
	changed  func(ctx context.Context) (bool, error) // checks whether there is something new to deploy
	deploy   func(ctx context.Context) error         // ends with ctx
	failed   func(err error)                         // reports failures that do not end the loop
	idle     func()                                  // called after each deployment when nothing is waiting
}

var errStopped = errors.New("the file watcher stopped")

// run loops until ctx ends or the user interrupts a prompt of a deployment.
func (l loop) run(ctx context.Context) error {
	calm, latest := time.NewTimer(l.quiet), time.NewTimer(l.patience)
	calm.Stop()
	latest.Stop()
	var (
		waiting      bool       // events arrived since the last check
		due, overdue bool       // fires after a quiet period, or when the burst has lasted too long
		running      chan error // nil when no deployment is under way
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
