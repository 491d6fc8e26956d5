package scheduler

import (
	"context"
	"log/slog"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Wake makes the current deployment of a project ready for requests, and returns once it is. The error is the reason why
// it is not: a *platform.Problem, or ctx.Err().
func (s *Scheduler) Wake(ctx context.Context, projectID string) error {
	p, err := s.project(ctx, projectID)
	if err != nil {
		return err
	}
	attempt, err := p.wake()
	if attempt == nil {
		return err
	}
	select {
	case <-attempt.done:
		return attempt.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wake thaws or starts the current deployment. The attempt is nil if there is nothing to wait for.
func (p *project) wake() (*start, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.serving
	if v == nil || p.deleted {
		return nil, platform.ErrNotFound
	}
	switch v.d.State {
	case platform.StateRunning:
		return nil, nil
	case platform.StateFrozen:
		if err := v.instance.Thaw(); err != nil {
			p.s.o.Log.Error("a frozen app did not continue", slog.String("project", p.stored.ID), slog.Any("error", err))
			v.end(platform.StateAsleep, platform.Cause{})
			break
		}
		v.since = p.s.o.Now()
		v.become(platform.StateRunning, platform.Cause{})
		p.route()
		return nil, nil
	case platform.StateAsleep:
	case platform.StateStarting:
		return v.start, nil
	default:
		return nil, &platform.Problem{Reason: v.d.Problem.Reason, Msg: "the app is " + string(v.d.State)}
	}
	v.become(platform.StateStarting, platform.Cause{})
	v.launch()
	p.route()
	return v.start, nil
}

// lookAfter lets unused apps sleep and ends drained ones, at each tick, until the scheduler is closed.
func (s *Scheduler) lookAfter() {
	tick := time.NewTicker(s.o.Tick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
		for _, p := range s.all() {
			p.lookAfter()
		}
	}
}

func (p *project) lookAfter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.serving != nil && p.serving.instance != nil && !p.stored.Sleep.Never
	if !idle && len(p.draining) == 0 {
		return
	}
	use := p.use()
	for _, v := range append([]*version(nil), p.draining...) {
		p.drain(v, use[v.d.ID])
	}
	if idle {
		p.sleep(p.serving, use[p.serving.d.ID])
	}
}

func (p *project) use() map[string]Activity {
	use := map[string]Activity{}
	for _, a := range p.s.o.Router.Activity(p.stored.ID) {
		use[a.Deployment] = a
	}
	return use
}

// drain ends a replaced version that has no session any more.
func (p *project) drain(v *version, a Activity) {
	now, last := p.s.o.Now(), later(a.LastUse, v.d.Changed)
	done := a.Requests == 0 && a.Sockets == 0 && now.Sub(last) >= p.s.o.DrainIdle
	if !done && now.Sub(v.d.Changed) < p.s.o.DrainLimit {
		return
	}
	p.release(v)
	p.route()                                                            // before it stops: no request is sent to it any more
	if a := p.use()[v.d.ID]; done && (a.Requests > 0 || a.Sockets > 0) { // one has come since the Activity was read
		p.draining = append(p.draining, v)
		p.route()
		return
	}
	v.end(platform.StateReplaced, platform.Cause{})
	p.s.o.Router.Drop(v.d.ID)
}

// sleep freezes or stops v if nobody uses it.
func (p *project) sleep(v *version, a Activity) {
	after := p.stored.Sleep.After
	if after == 0 {
		after = p.s.o.SleepAfter
	}
	unused := p.s.o.Now().Sub(later(a.LastUse, v.since))
	if a.Requests > 0 || unused < after {
		return
	}
	freezing := p.s.o.Freezes(v.d.Type)
	canFreeze := freezing == platform.FreezeAlways || freezing == platform.FreezeUnconnected && a.Sockets == 0
	switch {
	case unused >= 3*after, !canFreeze && a.Sockets == 0:
		if p.hold(v, a) {
			v.end(platform.StateAsleep, platform.Cause{})
			p.s.o.Router.Drop(v.d.ID)
		}
	case canFreeze && v.d.State == platform.StateRunning:
		if !p.hold(v, a) {
			break
		}
		if err := v.instance.Freeze(); err != nil {
			p.s.o.Log.Error("an unused app was not frozen", slog.String("project", p.stored.ID), slog.Any("error", err))
			break
		}
		v.become(platform.StateFrozen, platform.Cause{})
	}
	p.route()
}

// hold makes requests wait for Wake, which waits for p.mu, and reports whether v is still unused then: a request may have
// come since the Activity was read.
func (p *project) hold(v *version, a Activity) bool {
	held := Route{Project: p.stored, Status: v.d.Status, Current: &Served{Deployment: v.d, Instance: v.instance}, Draining: p.drains()}
	if err := p.s.o.Router.Route(held); err != nil {
		return false
	}
	now := p.use()[v.d.ID]
	return now.Requests == 0 && !now.LastUse.After(a.LastUse)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
