package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// rig is a scheduler over fakes, for one test in a synctest bubble.
type rig struct {
	*Scheduler
	t       *testing.T
	store   *memory
	machine *machine
	board   *switchboard
}

func newRig(t *testing.T, edit func(*Options), projects ...string) *rig {
	r := &rig{t: t, store: newMemory(t, projects...), machine: newMachine(), board: newSwitchboard()}
	r.restart(edit)
	return r
}

// restart replaces the scheduler, as a restart of the platform does.
func (r *rig) restart(edit func(*Options)) {
	o := Options{Store: r.store, Runner: r.machine, Router: r.board, Now: time.Now}
	if edit != nil {
		edit(&o)
	}
	r.Scheduler = New(o)
	if err := r.Restore(context.Background()); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) deploy(project string) string {
	r.t.Helper()
	d, err := r.Deploy(context.Background(), platform.Submission{Project: project})
	if err != nil {
		r.t.Fatal(err)
	}
	return d.ID
}

func (r *rig) want(project string, states ...platform.State) {
	r.t.Helper()
	synctest.Wait()
	if got := r.store.states(project); !slices.Equal(got, states) {
		r.t.Fatalf("states %v, want %v", got, states)
	}
}

func (r *rig) wantRunning(ids ...string) {
	r.t.Helper()
	synctest.Wait()
	if got := r.machine.running(); !slices.Equal(got, ids) {
		r.t.Fatalf("instances %v, want %v", got, ids)
	}
}

// served is the deployment that requests get at once; "" if there is none.
func (r *rig) served(project string) string {
	route, _ := r.board.route(project)
	if route.Current == nil || !route.Current.Ready {
		return ""
	}
	return route.Current.Deployment.ID
}

func within(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func TestDeployAndReplace(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		r.deploy("p")
		r.want("p", platform.StateBuilding)
		time.Sleep(1500 * time.Millisecond)
		r.want("p", platform.StateStarting)
		time.Sleep(time.Second)
		r.want("p", platform.StateRunning)
		if got := r.served("p"); got != "p/1" {
			t.Fatalf("%q serves", got)
		}

		r.board.set("p/1", Activity{Sockets: 1})
		r.deploy("p")
		time.Sleep(1500 * time.Millisecond)
		if got := r.served("p"); got != "p/1" {
			t.Fatalf("%q serves before the new one has started", got)
		}
		time.Sleep(time.Hour)
		r.want("p", platform.StateDraining, platform.StateAsleep)
		r.wantRunning("p/1")
		route, _ := r.board.route("p")
		if len(route.Draining) != 1 || route.Draining[0].Deployment.ID != "p/1" {
			t.Errorf("draining %+v", route.Draining)
		}
		r.board.set("p/1", Activity{LastUse: time.Now()})
		time.Sleep(time.Minute)
		r.want("p", platform.StateReplaced, platform.StateAsleep)
		r.wantRunning()
	})
}

func TestDrainsAtMostADay(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		first := r.deploy("p")
		time.Sleep(3 * time.Second)
		r.board.set(first, Activity{Sockets: 1})
		r.deploy("p")
		time.Sleep(23 * time.Hour)
		r.wantRunning(first)
		time.Sleep(2 * time.Hour)
		r.wantRunning()
		if !r.board.dropped(first) {
			t.Error("its connections were not closed")
		}
	})
}

func TestFailedDeploymentLeavesTheOldOne(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		r.deploy("p")
		time.Sleep(3 * time.Second)
		r.machine.failBuild("p/2", &platform.Problem{Reason: platform.ReasonBuild, Msg: "no such package"})
		r.machine.failStart("p/3", &platform.Problem{Reason: platform.ReasonImport, Msg: "no module"})
		r.deploy("p")
		time.Sleep(3 * time.Second)
		r.deploy("p")
		time.Sleep(3 * time.Second)
		r.want("p", platform.StateRunning, platform.StateFailed, platform.StateFailed)
		if got := r.served("p"); got != "p/1" {
			t.Errorf("%q serves", got)
		}
		ds, _ := r.store.Deployments(t.Context(), "p")
		if ds[0].Problem.Reason != platform.ReasonImport || ds[1].Problem.Reason != platform.ReasonBuild {
			t.Errorf("reasons %q and %q", ds[0].Problem.Reason, ds[1].Problem.Reason)
		}
	})
}

func TestNewerDeploymentSupersedes(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p", "q")
		defer r.Close()
		r.deploy("p")
		r.deploy("p")
		r.deploy("p")
		time.Sleep(5 * time.Second)
		r.want("p", platform.StateReplaced, platform.StateReplaced, platform.StateRunning)
		r.wantRunning("p/3")
		r.deploy("q")
		time.Sleep(1500 * time.Millisecond) // it starts
		r.deploy("q")
		time.Sleep(3 * time.Second)
		r.want("q", platform.StateReplaced, platform.StateRunning)
		r.wantRunning("p/3", "q/2")
		if r.machine.most != 1 {
			t.Errorf("%d builds at the same time", r.machine.most)
		}
	})
}

func TestCrash(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, func(o *Options) { o.MaxCrashes = 2 }, "p")
		defer r.Close()
		id := r.deploy("p")
		time.Sleep(3 * time.Second)
		problem := &platform.Problem{Reason: platform.ReasonMemory, Msg: "killed"}
		r.machine.app(id).end(problem)
		r.want("p", platform.StateStarting)
		if route, _ := r.board.route("p"); route.Current == nil || route.Current.Ready || route.Current.Instance != nil {
			t.Errorf("route after a crash: %+v", route)
		}
		if err := r.Wake(t.Context(), "p"); !errors.Is(err, problem) {
			t.Errorf("a request between two starts gets %v", err)
		}
		time.Sleep(3 * time.Second)
		r.want("p", platform.StateRunning)
		time.Sleep(2 * time.Minute) // stable again
		for range 2 {
			r.machine.app(id).end(problem)
			time.Sleep(5 * time.Second)
			r.want("p", platform.StateRunning)
		}
		r.machine.app(id).end(problem)
		r.want("p", platform.StateFailed)
		if ds, _ := r.store.Deployments(t.Context(), "p"); ds[0].Problem.Reason != platform.ReasonMemory {
			t.Errorf("reason %q", ds[0].Problem.Reason)
		}
		if route, _ := r.board.route("p"); route.Current != nil || route.Status.State != platform.StateFailed {
			t.Errorf("route %+v", route)
		}
		if err := r.Start(t.Context(), "p"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		r.want("p", platform.StateRunning)
	})
}

func TestStopStartDelete(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p", "q")
		defer r.Close()
		r.deploy("p")
		time.Sleep(3 * time.Second)
		r.deploy("p") // is built
		if err := r.Stop(t.Context(), "p"); err != nil {
			t.Fatal(err)
		}
		r.want("p", platform.StateStopped, platform.StateStopped)
		r.wantRunning()
		if err := r.Stop(t.Context(), "p"); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if err := r.Wake(t.Context(), "p"); err == nil {
			t.Error("a stopped project wakes")
		}
		if err := r.Start(t.Context(), "p"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		r.want("p", platform.StateDraining, platform.StateRunning)

		r.deploy("q")
		time.Sleep(1500 * time.Millisecond) // it starts
		if err := r.Stop(t.Context(), "q"); err != nil {
			t.Fatal(err)
		}
		r.want("q", platform.StateStopped)
		r.wantRunning("p/1", "p/2")
		if err := r.Delete(t.Context(), "p"); err != nil {
			t.Fatal(err)
		}
		r.wantRunning()
		if _, there := r.board.route("p"); there {
			t.Error("a deleted project has a route")
		}
		for name, f := range map[string]func() error{
			"start":  func() error { return r.Start(t.Context(), "p") },
			"delete": func() error { return r.Delete(t.Context(), "p") },
			"deploy": func() error { _, err := r.Deploy(t.Context(), platform.Submission{Project: "p"}); return err },
			"wake":   func() error { return r.Wake(t.Context(), "p") },
		} {
			if err := f(); !errors.Is(err, platform.ErrNotFound) {
				t.Errorf("%s: error %v", name, err)
			}
		}
	})
}

func TestRollback(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "p")
		defer r.Close()
		for n := range 3 {
			_, err := r.Deploy(t.Context(), platform.Submission{
				Project: "p", Release: platform.Release{Archive: fmt.Sprint("archive ", n+1)},
				Secrets: platform.Secrets{Variables: []platform.Variable{{Name: "N", Value: fmt.Sprint(n + 1)}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
		for _, tc := range []struct{ number, want int }{{0, 2}, {1, 1}} {
			d, err := r.Rollback(t.Context(), "p", tc.number, "ann", "")
			if err != nil {
				t.Fatal(err)
			}
			secrets, _ := r.store.Secrets(t.Context(), d.ID)
			if d.Archive != fmt.Sprint("archive ", tc.want) || d.Repeats != tc.want || d.Lock != fmt.Sprint("lock of p/", tc.want) ||
				d.By != "ann" || secrets.Vars()["N"] != fmt.Sprint(tc.want) {
				t.Errorf("rollback to %d: %+v with %v", tc.number, d, secrets)
			}
			time.Sleep(5 * time.Second)
			if r.served("p") != d.ID {
				t.Errorf("%q serves", r.served("p"))
			}
			r.board.set(d.ID, Activity{})
			if tc.number == 0 {
				continue
			}
		}
		if _, err := r.Rollback(t.Context(), "p", 9, "ann", ""); !errors.Is(err, platform.ErrNotFound) {
			t.Errorf("error %v", err)
		}
	})
}

func TestRestart(t *testing.T) {
	within(t, func(t *testing.T) {
		r := newRig(t, nil, "running", "gone", "built", "queued", "asleep", "draining")
		r.deploy("asleep")
		time.Sleep(time.Hour)
		r.deploy("running")
		r.deploy("gone")
		r.deploy("draining")
		time.Sleep(10 * time.Second)
		r.board.set("draining/1", Activity{Sockets: 1})
		r.deploy("draining")
		time.Sleep(10 * time.Second)
		r.deploy("built")
		r.deploy("queued")
		synctest.Wait()
		r.Close()
		r.want("built", platform.StateBuilding)
		r.want("queued", platform.StateQueued)
		r.machine.app("gone/1").end(nil)
		starts := len(r.machine.started())

		r.restart(nil)
		defer r.Close()
		r.want("running", platform.StateRunning)
		r.want("gone", platform.StateAsleep)
		r.want("asleep", platform.StateAsleep)
		r.want("draining", platform.StateDraining, platform.StateRunning)
		if got := r.machine.started()[starts:]; len(got) > 0 {
			t.Errorf("%v were started again", got)
		}
		time.Sleep(5 * time.Second)
		r.want("built", platform.StateRunning)
		r.want("queued", platform.StateRunning)
		r.machine.app("running/1").end(nil)
		r.want("running", platform.StateStarting)
	})
}
