package scheduler

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// project is a project with its deployments. mu is held while its state changes, never while an app builds, starts or
// stops.
type project struct {
	s  *Scheduler
	mu sync.Mutex

	stored   platform.Project
	latest   *version   // nil before the first deployment
	serving  *version   // the current deployment; nil before the first one has started
	draining []*version // oldest first
	deleted  bool
}

// version is a deployment of a project. Its fields are guarded by the project's mutex.
type version struct {
	project  *project
	d        platform.Deployment
	instance Instance           // nil while nothing of it runs, or it is being stopped
	since    time.Time          // when instance became ready, or was thawed
	cancel   context.CancelFunc // of the build or start under way; nil if there is none
	start    *start             // the start under way, or the last one
	ending   chan struct{}      // closed when the instance before has been stopped; nil if there was none
	crashes  int                // in a row
}

// start is one attempt to start a version.
type start struct {
	done chan struct{} // closed when err is valid
	err  error
}

// load makes a project of what is stored.
func (s *Scheduler) load(stored platform.Project, newestFirst []platform.Deployment) *project {
	p := &project{s: s, stored: stored}
	for i, d := range newestFirst {
		v := &version{project: p, d: d}
		if i == 0 {
			p.latest = v
		}
		switch {
		case d.ID == stored.Current:
			p.serving = v
		case d.State == platform.StateDraining:
			p.draining = append(p.draining, v)
		}
	}
	slices.Reverse(p.draining)
	return p
}

// become moves v to another state. If that cannot be stored, the platform goes on with what is true and logs the error.
func (v *version) become(state platform.State, why platform.Cause) {
	status := platform.Status{State: state, Changed: v.project.s.o.Now(), Problem: why, Lock: v.d.Lock}
	if v.project.deleted {
		v.d.Status = status
		return
	}
	d, err := v.project.s.o.Store.SetStatus(context.Background(), v.d.ID, status)
	if err != nil {
		v.project.s.o.Log.Error("the state of a deployment was not stored", slog.String("project", v.d.Project),
			slog.Int("deployment", v.d.Number), slog.String("state", string(state)), slog.Any("error", err))
		v.d.Status = status
		return
	}
	v.d = d
}

// begin makes a context for a build or start of v, which cancel ends.
func (v *version) begin() context.Context {
	ctx, cancel := context.WithCancel(v.project.s.ctx)
	v.cancel = cancel
	return ctx
}

// abandon ends the build or start under way.
func (v *version) abandon() {
	if v.cancel != nil {
		v.cancel()
		v.cancel = nil
	}
}

// end stops what runs of v, in the background, and moves v to state.
func (v *version) end(state platform.State, why platform.Cause) {
	v.abandon()
	if instance := v.instance; instance != nil {
		v.instance = nil
		ended := make(chan struct{})
		v.ending = ended
		if !v.project.s.goes(func() {
			defer close(ended)
			instance.Stop(v.project.s.o.Grace)
		}) {
			close(ended) // the platform ends, and apps outlive it
		}
	}
	if v.d.State.CanBecome(state) {
		v.become(state, why)
	}
}

// fail ends v because of err.
func (v *version) fail(err error) {
	cause := platform.CauseOf(err)
	log := v.project.s.o.Log.With(slog.String("project", v.d.Project), slog.Int("deployment", v.d.Number))
	if cause.Reason == platform.ReasonInternal {
		log.Error("a deployment failed because of the platform", slog.Any("error", err))
	} else {
		log.Info("a deployment failed", slog.String("reason", string(cause.Reason)))
	}
	v.end(platform.StateFailed, cause)
}

// route tells the router who serves p.
func (p *project) route() {
	r := Route{Project: p.stored}
	if shown := p.shown(); shown != nil {
		r.Status = shown.d.Status
	}
	if v := p.serving; v != nil && (v.d.State.Serves() || v.d.State == platform.StateStarting) {
		r.Current = &Served{Deployment: v.d, Instance: v.instance, Ready: v.d.State == platform.StateRunning}
	}
	r.Draining = p.drains()
	if err := p.s.o.Router.Route(r); err != nil {
		p.s.o.Log.Error("a project cannot be reached", slog.String("project", p.stored.ID), slog.Any("error", err))
	}
}

// drains are the draining versions, newest first.
func (p *project) drains() (served []Served) {
	for _, v := range slices.Backward(p.draining) {
		served = append(served, Served{Deployment: v.d, Instance: v.instance, Ready: true})
	}
	return served
}

// shown is the version whose status tells users what is going on: the one that serves, or is meant to, else the latest.
func (p *project) shown() *version {
	if p.serving != nil {
		return p.serving
	}
	return p.latest
}

// supersede ends the latest version if it does not serve yet.
func (p *project) supersede(state platform.State, why platform.Cause) {
	if v := p.latest; v != nil && v != p.serving && !v.d.State.Settled() {
		v.end(state, why)
	}
}

// promote puts v, which responds, in the place of the version that serves. Users get it before it is stored that it runs:
// who reads that it runs and asks for it must not be told that it is starting.
func (p *project) promote(v *version) {
	old := p.serving
	if old == v {
		old = nil
	}
	p.serving = v
	drains := old != nil && old.instance != nil && old.d.State.CanBecome(platform.StateDraining)
	if drains && old.d.State == platform.StateFrozen {
		drains = old.instance.Thaw() == nil
	}
	if drains {
		p.draining = append(p.draining, old)
	}
	v.d.State = platform.StateRunning
	p.route()
	v.become(platform.StateRunning, platform.Cause{})
	if p.stored.Current != v.d.ID {
		p.stored.Current = v.d.ID
		if err := p.s.o.Store.SetCurrent(context.Background(), p.stored.ID, v.d.ID); err != nil {
			p.s.o.Log.Error("the current deployment was not stored", slog.String("project", p.stored.ID), slog.Any("error", err))
		}
	}
	switch {
	case drains:
		old.become(platform.StateDraining, platform.Cause{})
	case old != nil:
		old.end(platform.StateReplaced, platform.Cause{})
	}
}

// release removes v from the draining versions.
func (p *project) release(v *version) {
	p.draining = slices.DeleteFunc(p.draining, func(d *version) bool { return d == v })
}

// Deploy accepts a new deployment, which is durable when it returns, and builds and starts it in the background. It
// takes the place of one that does not serve yet. A repeated request returns the deployment of the first one.
func (s *Scheduler) Deploy(ctx context.Context, submission platform.Submission) (platform.Deployment, error) {
	p, err := s.project(ctx, submission.Project)
	if err != nil {
		return platform.Deployment{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.deploy(ctx, submission)
}

func (p *project) deploy(ctx context.Context, submission platform.Submission) (platform.Deployment, error) {
	if p.deleted {
		return platform.Deployment{}, fmt.Errorf("project %s: %w", p.stored.ID, platform.ErrNotFound)
	}
	d, repeated, err := p.s.o.Store.Submit(ctx, submission)
	if err != nil || repeated {
		return d, err
	}
	if err := p.setStopped(ctx, false); err != nil {
		return d, err
	}
	p.supersede(platform.StateReplaced, platform.Cause{Reason: platform.ReasonSuperseded, Message: fmt.Sprintf("deployment %d took its place", d.Number)})
	p.latest = &version{project: p, d: d}
	p.route()
	p.s.queue.add(p.latest)
	return d, nil
}

func (p *project) setStopped(ctx context.Context, stopped bool) error {
	if p.stored.Stopped == stopped {
		return nil
	}
	if err := p.s.o.Store.SetStopped(ctx, p.stored.ID, stopped); err != nil {
		return err
	}
	p.stored.Stopped = stopped
	return nil
}

// Rollback deploys again what an earlier deployment of the project was: its files, its secrets and the very packages. A
// number of 0 means the last one before the current deployment that has run. The error wraps platform.ErrNotFound.
func (s *Scheduler) Rollback(ctx context.Context, projectID string, number int, by, request string) (platform.Deployment, error) {
	p, err := s.project(ctx, projectID)
	if err != nil {
		return platform.Deployment{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ds, err := s.o.Store.Deployments(ctx, projectID)
	if err != nil {
		return platform.Deployment{}, err
	}
	was, ok := p.earlier(ds, number)
	if !ok {
		return platform.Deployment{}, fmt.Errorf("deployment %d of project %s: %w", number, projectID, platform.ErrNotFound)
	}
	secrets, err := s.o.Store.Secrets(ctx, was.ID)
	if err != nil {
		return platform.Deployment{}, err
	}
	release := was.Release
	release.By, release.Repeats = by, was.Number
	return p.deploy(ctx, platform.Submission{Project: projectID, Release: release, Secrets: secrets, Lock: was.Lock, Request: request})
}

// earlier finds the deployment with a number, or the last one before the current one that has run.
func (p *project) earlier(newestFirst []platform.Deployment, number int) (platform.Deployment, bool) {
	current := 0
	if p.serving != nil {
		current = p.serving.d.Number
	}
	for _, d := range newestFirst {
		if d.Number == number || number == 0 && d.Number < current && hasRun(d) {
			return d, true
		}
	}
	return platform.Deployment{}, false
}

// hasRun reports whether d served users before it was replaced.
func hasRun(d platform.Deployment) bool {
	return d.State == platform.StateDraining || d.State == platform.StateReplaced && d.Problem.Reason == ""
}
