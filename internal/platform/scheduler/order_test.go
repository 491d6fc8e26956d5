package scheduler

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Whatever happens in whatever order: no transition that the table lacks (the store checks it), no two instances of a
// deployment (the machine panics), nothing that runs unknown to the store, and a project that can be used again.
func TestAnyOrder(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			within(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				freezing := platform.Freezing(random.IntN(3))
				edit := func(o *Options) { o.Freezes = func(platform.Framework) platform.Freezing { return freezing } }
				r := newRig(t, edit, "p", "q")
				r.machine.stubborn = seed%2 == 1
				for range 60 {
					id := []string{"p", "q"}[random.IntN(2)]
					switch random.IntN(11) {
					case 0, 1:
						_, _ = r.Deploy(t.Context(), platform.Submission{Project: id})
					case 2:
						go func() { _ = r.Stop(t.Context(), id) }()
					case 3:
						_ = r.Start(t.Context(), id)
					case 4, 5:
						go func() { _ = r.Wake(t.Context(), id) }()
					case 6:
						for _, d := range r.machine.running() {
							if random.IntN(2) == 0 {
								r.machine.app(d).end(&platform.Problem{Msg: "crashed"})
							}
						}
					case 7:
						for _, d := range r.machine.running() {
							r.board.set(d, Activity{Sockets: random.IntN(2), Requests: random.IntN(2), LastUse: time.Now()})
						}
					case 8:
						time.Sleep(time.Duration(random.IntN(40)) * time.Minute)
					case 9:
						_, _ = r.Rollback(t.Context(), id, 0, "ann", "")
					case 10:
						r.Close()
						r.restart(edit)
					}
					time.Sleep(time.Duration(random.IntN(2500)) * time.Millisecond)
				}
				for _, d := range r.machine.running() {
					r.board.set(d, Activity{})
				}
				last := r.deploy("p")
				time.Sleep(2 * time.Minute)
				if err := r.Wake(t.Context(), "p"); err != nil || r.served("p") != last {
					t.Errorf("in the end %q serves, error %v; %v", r.served("p"), err, r.store.states("p"))
				}
				for _, id := range []string{"p", "q"} {
					ds, _ := r.store.Deployments(t.Context(), id)
					for _, d := range ds {
						if runs := slices.Contains(r.machine.running(), d.ID); runs != d.State.HasProcess() && d.State != platform.StateStarting {
							t.Errorf("%s is %s, running: %v", d.ID, d.State, runs)
						}
					}
				}
				r.Close()
			})
		})
	}
}
