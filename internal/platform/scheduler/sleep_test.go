package scheduler

import (
	"errors"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func TestSleepAndWake(t *testing.T) {
	for name, tc := range map[string]struct {
		freezing platform.Freezing
		use      Activity
		at       time.Duration
		want     platform.State
	}{
		"in use":                           {platform.FreezeAlways, Activity{Requests: 1}, time.Hour, platform.StateRunning},
		"used a moment ago":                {platform.FreezeAlways, Activity{}, 14 * time.Minute, platform.StateRunning},
		"unused":                           {platform.FreezeAlways, Activity{}, 16 * time.Minute, platform.StateFrozen},
		"open tabs":                        {platform.FreezeAlways, Activity{Sockets: 2}, 16 * time.Minute, platform.StateFrozen},
		"open tabs, frozen only without":   {platform.FreezeUnconnected, Activity{Sockets: 2}, 16 * time.Minute, platform.StateRunning},
		"no tabs, frozen only without":     {platform.FreezeUnconnected, Activity{}, 16 * time.Minute, platform.StateFrozen},
		"cannot be frozen":                 {platform.FreezeNever, Activity{}, 16 * time.Minute, platform.StateAsleep},
		"cannot be frozen, tabs":           {platform.FreezeNever, Activity{Sockets: 1}, 16 * time.Minute, platform.StateRunning},
		"cannot be frozen, tabs for long":  {platform.FreezeNever, Activity{Sockets: 1}, 46 * time.Minute, platform.StateAsleep},
		"unused for long":                  {platform.FreezeAlways, Activity{}, 46 * time.Minute, platform.StateAsleep},
		"open tabs that nobody looks at":   {platform.FreezeAlways, Activity{Sockets: 2}, 46 * time.Minute, platform.StateAsleep},
		"unused, but it is never to sleep": {platform.FreezeAlways, Activity{}, 90 * time.Minute, platform.StateRunning},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T) {
				r := newRig(t, func(o *Options) { o.Freezes = func(platform.Framework) platform.Freezing { return tc.freezing } }, "p")
				defer r.Close()
				if tc.at > time.Hour {
					_ = r.store.edit("p", func(p *platform.Project) { p.Sleep.Never = true })
					if err := r.Reload(t.Context(), "p"); err != nil {
						t.Fatal(err)
					}
				}
				id := r.deploy("p")
				time.Sleep(2 * time.Second)
				r.board.set(id, tc.use)
				time.Sleep(tc.at)
				r.want("p", tc.want)
				if frozen := r.machine.app(id).isFrozen(); frozen != (tc.want == platform.StateFrozen) && tc.want != platform.StateAsleep {
					t.Errorf("frozen: %v", frozen)
				}
				woken := make(chan error, 3)
				for range 3 { // at once
					go func() { woken <- r.Wake(t.Context(), "p") }()
				}
				for range 3 {
					if err := <-woken; err != nil {
						t.Error(err)
					}
				}
				r.want("p", platform.StateRunning)
				r.wantRunning(id)
				if r.served("p") != id {
					t.Error("requests do not reach it")
				}
			})
		})
	}
}

func TestReplaceAFrozenOne(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) {
			o.Freezes = func(platform.Framework) platform.Freezing { return platform.FreezeAlways }
		}, "p")
		defer r.Close()
		old := r.deploy("p")
		time.Sleep(20 * time.Minute)
		r.board.set(old, Activity{Sockets: 1})
		r.want("p", platform.StateFrozen)
		r.deploy("p")
		time.Sleep(5 * time.Second)
		r.want("p", platform.StateDraining, platform.StateRunning)
		if r.machine.app(old).isFrozen() {
			t.Error("its sessions do not go on")
		}
	})
}

// The instance before has ended when the next one starts.
func TestWakeWhileItFallsAsleep(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		id := r.deploy("p")
		time.Sleep(2 * time.Second)
		for r.store.states("p")[0] != platform.StateAsleep {
			time.Sleep(time.Millisecond)
		}
		r.wantRunning(id) // it is being stopped
		if err := r.Wake(t.Context(), "p"); err != nil {
			t.Fatal(err)
		}
		r.want("p", platform.StateRunning)
		r.wantRunning(id)
	})
}

// A request may come between the look at an app's use and its sleep.
func TestRequestBeforeSleep(t *testing.T) {
	for name, use := range map[string]Activity{
		"in flight":        {Requests: 1},
		"already answered": {LastUse: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T) {
				r := newRig(t, nil, "p")
				defer r.Close()
				id := r.deploy("p")
				time.Sleep(3 * time.Second)
				p := r.projects["p"]
				r.board.set(id, use)
				p.mu.Lock()
				p.serving.since = time.Time{}
				p.sleep(p.serving, Activity{Deployment: id})
				p.mu.Unlock()
				r.want("p", platform.StateRunning)
				if r.served("p") != id {
					t.Error("it cannot be reached")
				}
			})
		})
	}
}

// The same goes for the end of a replaced version.
func TestRequestBeforeTheEndOfADrain(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		old := r.deploy("p")
		time.Sleep(3 * time.Second)
		r.board.set(old, Activity{Sockets: 1})
		r.deploy("p")
		time.Sleep(5 * time.Second)
		p := r.projects["p"]
		p.mu.Lock()
		v := p.draining[0]
		v.d.Changed = time.Now().Add(-time.Hour)
		p.drain(v, Activity{Deployment: old})
		p.mu.Unlock()
		r.want("p", platform.StateDraining, platform.StateRunning)
		r.wantRunning("p/1", "p/2")
	})
}

func TestFailedWake(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		id := r.deploy("p")
		time.Sleep(time.Hour)
		r.want("p", platform.StateAsleep)
		problem := &platform.Problem{Reason: platform.ReasonSlow, Msg: "too slow"}
		r.machine.failStart(id, problem)
		if err := r.Wake(t.Context(), "p"); !errors.Is(err, problem) {
			t.Fatalf("error %v", err)
		}
		r.machine.failStart(id, nil)
		time.Sleep(3 * time.Second)
		r.want("p", platform.StateRunning)
	})
}
