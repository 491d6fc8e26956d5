package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// build builds queued versions, one after the other, until the scheduler is closed.
func (s *Scheduler) build() {
	for v := s.queue.next(); v != nil; v = s.queue.next() {
		if ctx, d, ok := v.beginBuild(); ok {
			lock, err := s.o.Runner.Build(ctx, d)
			v.built(lock, err)
		}
	}
}

func (v *version) beginBuild() (context.Context, platform.Deployment, bool) {
	v.project.mu.Lock()
	defer v.project.mu.Unlock()
	if v.d.State != platform.StateQueued {
		return nil, platform.Deployment{}, false // superseded, stopped or deleted meanwhile
	}
	v.become(platform.StateBuilding, platform.Cause{})
	v.project.route()
	return v.begin(), v.d, true
}

func (v *version) built(lock string, err error) {
	p := v.project
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.d.State != platform.StateBuilding || p.s.ctx.Err() != nil {
		return // if the platform is stopping, it is built again at the next start
	}
	v.abandon()
	if err != nil {
		v.fail(err)
	} else {
		v.d.Lock = lock
		v.become(platform.StateStarting, platform.Cause{})
		v.launch()
	}
	p.route()
}

// launch starts v, which is in the state starting, in the background.
func (v *version) launch() {
	ctx, d, ending, before, attempt := v.begin(), v.d, v.ending, v.start, &start{done: make(chan struct{})}
	v.start = attempt
	run := v.project.s.goes(func() {
		if ending != nil {
			<-ending // the instance before, which has Options.Grace to end
		}
		if before != nil {
			<-before.done
		}
		instance, err := v.project.s.startInstance(ctx, d)
		if !v.started(attempt, instance, err) && instance != nil {
			instance.Stop(v.project.s.o.Grace)
		}
		attempt.err = err
		close(attempt.done)
	})
	if !run {
		attempt.err = context.Canceled
		close(attempt.done)
	}
}

// startInstance starts d when not too many others are starting.
func (s *Scheduler) startInstance(ctx context.Context, d platform.Deployment) (Instance, error) {
	select {
	case s.starts <- struct{}{}:
		defer func() { <-s.starts }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.o.Runner.Start(ctx, d)
}

// started notes the result of an attempt to start v. It returns false if v was superseded, stopped or deleted meanwhile.
func (v *version) started(attempt *start, instance Instance, err error) bool {
	p := v.project
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.d.State != platform.StateStarting || v.start != attempt {
		return false
	}
	v.cancel = nil
	switch {
	case err != nil && p.s.ctx.Err() != nil: // it starts again with the platform
	case err != nil && v == p.serving:
		v.crashed(err)
	case err != nil:
		v.fail(err)
	default:
		v.instance, v.since = instance, p.s.o.Now()
		p.promote(v)
		v.watch(instance)
	}
	p.route()
	return true
}

// watch waits for the end of instance.
func (v *version) watch(instance Instance) {
	s := v.project.s
	s.goes(func() {
		select {
		case <-instance.Done():
			v.exited(instance)
		case <-s.ctx.Done():
		}
	})
}

// exited handles the end of an instance that nobody has stopped.
func (v *version) exited(instance Instance) {
	p := v.project
	p.mu.Lock()
	defer p.mu.Unlock()
	if v.instance != instance {
		return
	}
	v.instance = nil
	switch v.d.State {
	case platform.StateFrozen:
		v.become(platform.StateAsleep, platform.Cause{}) // nobody uses it
	case platform.StateDraining:
		v.become(platform.StateReplaced, platform.Cause{})
		p.release(v)
	default:
		if p.s.o.Now().Sub(v.since) >= p.s.o.StableAfter {
			v.crashes = 0
		}
		v.crashed(instance.Err())
	}
	p.route()
}

// crashed starts v again after a pause, unless it has crashed too often.
func (v *version) crashed(err error) {
	p := v.project
	if err == nil {
		err = &platform.Problem{Reason: platform.ReasonCrash, Msg: "the app exited by itself", Hint: "an app has to keep running: look at its log"}
	}
	if v.crashes++; v.crashes > p.s.o.MaxCrashes {
		v.fail(fmt.Errorf("crashed %d times: %w", v.crashes, err))
		return
	}
	if v.d.State != platform.StateStarting {
		v.become(platform.StateStarting, platform.CauseOf(err))
	}
	failed := &start{done: make(chan struct{}), err: err}
	close(failed.done)
	v.start = failed
	time.AfterFunc(p.s.o.Backoff(v.crashes), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if v.d.State == platform.StateStarting && v.start == failed && p.s.ctx.Err() == nil {
			v.launch()
		}
	})
}

// errNothingDeployed is the error for a project without a deployment.
var errNothingDeployed = errors.New("nothing was deployed")

// Start starts a project that was stopped or has failed; otherwise it does nothing. The app starts in the background. The
// error wraps platform.ErrNotFound, also if nothing was deployed.
func (s *Scheduler) Start(ctx context.Context, projectID string) error {
	p, err := s.project(ctx, projectID)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.latest == nil || p.deleted {
		return fmt.Errorf("project %s: %w: %w", projectID, errNothingDeployed, platform.ErrNotFound)
	}
	if err := p.setStopped(ctx, false); err != nil {
		return err
	}
	p.shown().again()
	if p.latest != p.serving && p.latest.d.State == platform.StateStopped {
		p.latest.again() // it was stopped before it could serve
	}
	p.route()
	return nil
}

// again builds and starts v if nothing of it is going on. A build that was done before is quick.
func (v *version) again() {
	switch v.d.State {
	case platform.StateStopped, platform.StateFailed, platform.StateAsleep:
		v.crashes = 0
		v.become(platform.StateQueued, platform.Cause{})
		v.project.s.queue.add(v)
	}
}

// Stop stops what runs of a project, and returns when nothing of it is left. Its connections are closed.
func (s *Scheduler) Stop(ctx context.Context, projectID string) error {
	p, err := s.project(ctx, projectID)
	if err != nil {
		return err
	}
	p.mu.Lock()
	err = p.setStopped(ctx, true)
	if err == nil {
		p.stop()
		p.route()
	}
	ended := p.ended()
	p.mu.Unlock()
	ended()
	return err
}

// stop ends every version.
func (p *project) stop() {
	why := platform.Cause{Reason: platform.ReasonStopped, Message: "the project was stopped", Hint: "start it with 'ploomber-cloud start'"}
	p.supersede(platform.StateStopped, why)
	if p.serving != nil && p.serving.d.State != platform.StateFailed {
		p.serving.end(platform.StateStopped, why)
	}
	for _, v := range p.draining {
		v.end(platform.StateReplaced, platform.Cause{})
		p.s.o.Router.Drop(v.d.ID)
	}
}

// ended returns a function that waits until every version that is being stopped has been, and forgets the draining ones.
func (p *project) ended() func() {
	all := append([]*version{p.latest, p.serving}, p.draining...)
	p.draining = nil
	var ending []<-chan struct{}
	for _, v := range all {
		if v != nil && v.ending != nil {
			ending = append(ending, v.ending)
		}
		if v != nil && v.start != nil && v.d.State != platform.StateStarting {
			ending = append(ending, v.start.done)
		}
	}
	return func() {
		for _, done := range ending {
			<-done
		}
	}
}

// Delete removes a project with everything that belongs to it. It is gone once Delete returns, also if its files could
// not all be removed, which is logged.
func (s *Scheduler) Delete(ctx context.Context, projectID string) error {
	p, err := s.project(ctx, projectID)
	if err != nil {
		return err
	}
	p.mu.Lock()
	ds, err := s.o.Store.Deployments(ctx, projectID)
	if err == nil && !p.deleted {
		err = s.o.Store.DeleteProject(ctx, projectID)
	}
	if err != nil {
		p.mu.Unlock()
		return err
	}
	p.deleted = true
	p.stop()
	ended := p.ended()
	s.o.Router.Remove(projectID)
	p.mu.Unlock()
	ended()
	s.forget(projectID)
	if err := s.o.Runner.Discard(projectID, ds); err != nil {
		s.o.Log.Error("files of a deleted project are left", "project", projectID, "error", err)
	}
	return nil
}
