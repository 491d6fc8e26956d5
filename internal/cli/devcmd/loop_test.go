package devcmd

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/ploomber/ploomber-cloud/internal/failure"
)

// bench runs a loop on the bubble's clock. Each event says by its Op whether it concerns the project (Write) or
// not (Chmod); its name is what the next look finds changed, "" for nothing.
type bench struct {
	events  chan fsnotify.Event
	lost    chan error
	saved   []string // what the looks have not found yet
	looks   int
	began   []time.Duration // of each deployment, since the start
	takes   time.Duration   // a deployment
	result  error           // of a deployment
	lookErr error
	failed  []error
	idle    int
	start   time.Time
	ended   chan error
	cancel  context.CancelFunc
}

func newBench(t *testing.T, takes time.Duration) *bench {
	t.Helper()
	b := &bench{
		events: make(chan fsnotify.Event), lost: make(chan error), ended: make(chan error, 1), takes: takes, start: time.Now(),
	}
	l := loop{
		quiet: quiet, patience: patience, events: b.events, lost: b.lost,
		concerns: func(e fsnotify.Event) bool { return e.Has(fsnotify.Write) },
		changed: func(context.Context) (bool, error) {
			b.looks++
			if b.lookErr != nil {
				return false, b.lookErr
			}
			changed := len(b.saved) > 0
			b.saved = nil
			return changed, nil
		},
		deploy: func(ctx context.Context) error {
			b.began = append(b.began, time.Since(b.start))
			select {
			case <-time.After(b.takes):
				return b.result
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		failed: func(err error) { b.failed = append(b.failed, err) },
		idle:   func() { b.idle++ },
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.cancel = cancel
	go func() { b.ended <- l.run(ctx) }()
	return b
}

func (b *bench) save(name string) {
	b.saved = append(b.saved, name)
	b.events <- fsnotify.Event{Name: name, Op: fsnotify.Write}
}

// at waits until a time after the start.
func (b *bench) at(d time.Duration) {
	time.Sleep(time.Until(b.start.Add(d)))
	synctest.Wait()
}

func (b *bench) expect(t *testing.T, deployments ...time.Duration) {
	t.Helper()
	if len(b.began) != len(deployments) {
		t.Fatalf("deployed at %v, want %v", b.began, deployments)
	}
	for i, d := range deployments {
		if b.began[i] != d {
			t.Errorf("deployed at %v, want %v", b.began, deployments)
		}
	}
}

func (b *bench) end(t *testing.T) {
	t.Helper()
	b.cancel()
	if err := <-b.ended; failure.Code(err) != failure.Interrupted {
		t.Errorf("ended with %v", err)
	}
}

func TestLoop(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, play := range map[string]func(t *testing.T, b *bench){
		"nothing happens": func(t *testing.T, b *bench) {
			b.at(time.Hour)
			b.expect(t)
			if b.looks != 0 {
				t.Errorf("%d looks", b.looks)
			}
		},
		"one save of many events": func(t *testing.T, b *bench) {
			for i := range 5 {
				b.at(time.Duration(i) * 100 * ms)
				b.save("app.py")
			}
			b.at(time.Minute)
			b.expect(t, 900*ms)
			if b.idle != 1 {
				t.Errorf("idle %d times", b.idle)
			}
		},
		"two saves": func(t *testing.T, b *bench) {
			b.save("app.py")
			b.at(10 * time.Second)
			b.save("app.py")
			b.at(time.Minute)
			b.expect(t, 500*ms, 10500*ms)
		},
		"events that concern nothing": func(t *testing.T, b *bench) {
			b.save("app.py")
			for i := range 8 { // keep nothing back
				b.at(time.Duration(i) * 100 * ms)
				b.events <- fsnotify.Event{Name: "x", Op: fsnotify.Chmod}
			}
			b.at(time.Minute)
			b.expect(t, 500*ms)
		},
		"nothing new to deploy": func(t *testing.T, b *bench) {
			b.events <- fsnotify.Event{Name: "app.py", Op: fsnotify.Write}
			b.at(time.Minute)
			b.expect(t)
			if b.looks != 1 {
				t.Errorf("%d looks", b.looks)
			}
		},
		"saves during a deployment": func(t *testing.T, b *bench) {
			b.takes = 5 * time.Second
			b.save("app.py")
			for _, at := range []time.Duration{1000, 2000, 3000} {
				b.at(at * ms)
				b.save("app.py")
			}
			b.at(time.Minute)
			b.expect(t, 500*ms, 5500*ms)
			if b.idle != 1 {
				t.Errorf("idle %d times", b.idle)
			}
		},
		"a save that is not over when a deployment ends": func(t *testing.T, b *bench) {
			b.takes = 5 * time.Second
			b.save("app.py")
			for _, at := range []time.Duration{2000, 5400, 5700} {
				b.at(at * ms)
				b.save("app.py")
			}
			b.at(time.Minute)
			b.expect(t, 500*ms, 6200*ms)
		},
		"never quiet": func(t *testing.T, b *bench) {
			for i := range 350 { // 35 s
				b.at(time.Duration(i) * 100 * ms)
				b.save("log.txt")
			}
			b.at(time.Minute)
			b.expect(t, patience, 35400*ms)
		},
		"a deployment that fails": func(t *testing.T, b *bench) {
			b.result = errors.New("refused")
			b.save("app.py")
			b.at(10 * time.Second)
			b.save("app.py")
			b.at(time.Minute)
			b.expect(t, 500*ms, 10500*ms)
			if len(b.failed) != 2 || !errors.Is(b.failed[0], b.result) {
				t.Errorf("told %v", b.failed)
			}
		},
		"a look that fails": func(t *testing.T, b *bench) {
			b.lookErr = errors.New("broken configuration")
			b.save("app.py")
			b.at(10 * time.Second)
			b.expect(t)
			b.lookErr = nil
			b.save("app.py")
			b.at(time.Minute)
			b.expect(t, 10500*ms)
			if len(b.failed) != 1 {
				t.Errorf("told %v", b.failed)
			}
		},
		"lost events": func(t *testing.T, b *bench) {
			b.saved = []string{"app.py"}
			b.lost <- fsnotify.ErrEventOverflow
			b.at(10 * time.Second)
			b.saved = []string{"app.py"}
			b.lost <- errors.New("broken")
			b.at(time.Minute)
			b.expect(t, 500*ms, 10500*ms)
			if len(b.failed) != 1 {
				t.Errorf("told %v", b.failed)
			}
		},
		"interrupted while it deploys": func(t *testing.T, b *bench) {
			b.takes = time.Hour
			b.save("app.py")
			b.at(time.Second)
			b.expect(t, 500*ms)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, 0)
				synctest.Wait()
				play(t, b)
				b.end(t)
			})
		})
	}
}

func TestLoopEnds(t *testing.T) {
	t.Parallel()
	t.Run("a question of the deployment is interrupted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, time.Second)
			b.result = failure.New(failure.Interrupted, "interrupted")
			b.save("app.py")
			if err := <-b.ended; failure.Code(err) != failure.Interrupted || len(b.failed) > 0 {
				t.Errorf("%v, told %v", err, b.failed)
			}
			b.cancel()
		})
	})
	t.Run("the watcher is closed", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, 0)
			close(b.events)
			if err := <-b.ended; !errors.Is(err, errStopped) {
				t.Errorf("%v", err)
			}
			b.cancel()
		})
	})
}
