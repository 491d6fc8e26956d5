package scheduler

import (
	"context"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Restore goes on where the platform was when it ended, in whatever way: it finds the apps that run, queues what was not
// built, and routes every project. An app that no longer runs sleeps until it is used.
func (s *Scheduler) Restore(ctx context.Context) error {
	stored, err := s.o.Store.Projects(ctx, "")
	if err != nil {
		return err
	}
	var queued []*version
	for _, one := range stored {
		p, err := s.project(ctx, one.ID)
		if err != nil {
			return err
		}
		queued = append(queued, p.restore()...)
	}
	slices.SortFunc(queued, func(a, b *version) int { return a.d.Created.Compare(b.d.Created) })
	for _, v := range queued {
		s.queue.add(v)
	}
	s.goes(s.build)
	s.goes(s.lookAfter)
	return nil
}

// restore compares the versions of p with what runs, and returns those that have to be built.
func (p *project) restore() (queued []*version) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, v := range append([]*version(nil), p.draining...) {
		if !v.adopt() {
			v.become(platform.StateReplaced, platform.Cause{})
			p.release(v)
		}
	}
	if v := p.serving; v != nil {
		v.resume()
	}
	if v := p.latest; v != nil && v != p.serving && v.unbuilt() {
		queued = append(queued, v)
	}
	p.route()
	return queued
}

// adopt finds the instance of v that an earlier process has started.
func (v *version) adopt() bool {
	instance, err := v.project.s.o.Runner.Find(v.d)
	if err != nil {
		return false
	}
	v.instance, v.since = instance, v.project.s.o.Now()
	v.watch(instance)
	return true
}

// resume restores the version that serves.
func (v *version) resume() {
	switch v.d.State {
	case platform.StateRunning, platform.StateFrozen:
		if v.adopt() {
			return
		}
	case platform.StateStarting, platform.StateQueued, platform.StateBuilding:
		v.discardStart()
		if v.d.State != platform.StateStarting {
			if v.d.State == platform.StateBuilding {
				v.become(platform.StateQueued, platform.Cause{})
			}
			v.project.s.queue.add(v)
			return
		}
	default:
		return
	}
	v.become(platform.StateAsleep, platform.Cause{})
	if v.project.stored.Sleep.Never {
		v.become(platform.StateStarting, platform.Cause{})
		v.launch()
	}
}

// unbuilt reports whether v, which does not serve yet, has to be built: its build or start was interrupted.
func (v *version) unbuilt() bool {
	switch v.d.State {
	case platform.StateBuilding, platform.StateStarting:
		v.discardStart()
		v.become(platform.StateQueued, platform.Cause{})
		return true
	default:
		return v.d.State == platform.StateQueued
	}
}

// discardStart stops an instance that may never have become ready.
func (v *version) discardStart() {
	if instance, err := v.project.s.o.Runner.Find(v.d); err == nil {
		instance.Stop(v.project.s.o.Grace)
	}
}

// Reload takes over settings of a project that were changed in the store.
func (s *Scheduler) Reload(ctx context.Context, projectID string) error {
	p, err := s.project(ctx, projectID)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	stored, err := s.o.Store.Project(ctx, projectID)
	if err != nil {
		return err
	}
	p.stored.Sleep, p.stored.Labels = stored.Sleep, stored.Labels
	return nil
}
