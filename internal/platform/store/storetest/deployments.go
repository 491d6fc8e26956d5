package storetest

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func deployment(s *suite) {
	p := s.project()
	sub := submission(p.ID)
	want := s.submit(sub)
	if !platform.ValidDeploymentID(want.ID) || want.Project != p.ID || want.Number != 1 || !want.Created.Equal(Epoch) ||
		!reflect.DeepEqual(want.Status, platform.Status{State: platform.StateQueued, Changed: Epoch}) {
		s.Errorf("submitted %+v", want)
	}
	release := sub.Release
	release.Variables, release.Login = []string{"TOKEN", "A"}, true
	if !reflect.DeepEqual(want.Release, release) {
		s.Errorf("release %+v, want %+v", want.Release, release)
	}
	got, err := s.Deployment(s.ctx, want.ID)
	s.must(err)
	if !reflect.DeepEqual(got, want) {
		s.Errorf("found %+v, want %+v", got, want)
	}
	secrets, err := s.Secrets(s.ctx, want.ID)
	s.must(err)
	if !reflect.DeepEqual(secrets, sub.Secrets) {
		s.Errorf("secrets %+v, want %+v", secrets, sub.Secrets)
	}
	if got, err := s.Project(s.ctx, p.ID); err != nil || !slices.Equal(got.Labels, sub.Labels) {
		s.Errorf("labels %q, %v; want %q", got.Labels, err, sub.Labels)
	}
	plain := s.submit(platform.Submission{Project: p.ID})
	if secrets, err := s.Secrets(s.ctx, plain.ID); err != nil || !reflect.DeepEqual(secrets, platform.Secrets{}) {
		s.Errorf("secrets %+v, %v; want none", secrets, err)
	}
}

func numbers(s *suite) {
	p, other := s.project(), s.project()
	for want := 1; want <= 3; want++ {
		if got := s.submit(submission(p.ID)).Number; got != want {
			s.Errorf("number %d, want %d", got, want)
		}
	}
	if got := s.submit(submission(other.ID)).Number; got != 1 {
		s.Errorf("number %d in another project, want 1", got)
	}
	list, err := s.Deployments(s.ctx, p.ID)
	s.must(err)
	s.wantNumbers("list", list, 3, 2, 1)
	newest, err := s.Latest(s.ctx, p.ID)
	s.must(err)
	if !reflect.DeepEqual(newest, list[0]) {
		s.Errorf("latest %+v, want %+v", newest, list[0])
	}
	_, err = s.Latest(s.ctx, s.project().ID)
	s.wantErr("latest of none", err, platform.ErrNotFound)
}

func latestOf(s *suite) {
	ann, bob := s.user("ann", platform.Pro), s.user("bob", platform.Pro)
	newest := map[string]platform.Deployment{} // by project
	of := map[string]map[string]platform.Deployment{ann.ID: {}, bob.ID: {}, "": newest, "unknown": {}}
	for i, u := range []platform.User{ann, bob, ann, ann} {
		p, err := s.CreateProject(s.ctx, u, platform.Panel, 0)
		s.must(err)
		for range i { // the first one gets none
			newest[p.ID] = s.submit(submission(p.ID))
			of[u.ID][p.ID] = newest[p.ID]
		}
	}
	for owner, want := range of {
		if got, err := s.LatestOf(s.ctx, owner); err != nil || !reflect.DeepEqual(got, want) {
			s.Errorf("of %q: %+v, %v; want %+v", owner, got, err, want)
		}
	}
}

func numbersAfterDrop(s *suite) {
	p := s.project()
	s.to(s.submit(submission(p.ID)), platform.StateFailed)
	dropped, err := s.DropOld(s.ctx, 0)
	s.must(err)
	s.wantNumbers("dropped", dropped, 1)
	if got := s.submit(submission(p.ID)).Number; got != 2 {
		s.Errorf("number %d, want 2", got)
	}
}

func requests(s *suite) {
	p, other := s.project(), s.project()
	sub := submission(p.ID)
	sub.Request = "request-1"
	first := s.to(s.submit(sub), platform.StateBuilding)
	again, repeated, err := s.Submit(s.ctx, sub)
	s.must(err)
	if !repeated || !reflect.DeepEqual(again, first) {
		s.Errorf("repeated %v: %+v, want %+v", repeated, again, first)
	}
	changed := sub
	changed.Archive = "archive-2"
	_, _, err = s.Submit(s.ctx, changed)
	s.wantErr("the same request with other files", err, platform.ErrExists)
	elsewhere := sub
	elsewhere.Project = other.ID
	s.submit(elsewhere)
	next := sub
	next.Request = "request-2"
	if d := s.submit(next); d.Number != 2 {
		s.Errorf("number %d of another request, want 2", d.Number)
	}
}

func rollback(s *suite) {
	p := s.project()
	s.to(s.submit(submission(p.ID)), platform.StateFailed)
	s.to(s.submit(submission(p.ID)), platform.StateFailed)
	sub := submission(p.ID)
	sub.Repeats = 1
	if d := s.submit(sub); d.Number != 3 || d.Repeats != 1 {
		s.Errorf("submitted %+v", d)
	}
	dropped, err := s.DropOld(s.ctx, 1)
	s.must(err)
	s.wantNumbers("dropped", dropped, 1)
	_, _, err = s.Submit(s.ctx, sub)
	s.wantErr("repeats what was dropped", err, platform.ErrNotFound)
	if newest, err := s.Latest(s.ctx, p.ID); err != nil || newest.Number != 3 {
		s.Errorf("newest is %d, %v; want 3", newest.Number, err)
	}
}

func requestsAtOnce(s *suite) {
	p := s.project()
	sub := submission(p.ID)
	sub.Request = "r"
	var made atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			d, repeated, err := s.Submit(s.ctx, sub)
			if err != nil || d.Number != 1 {
				s.Errorf("deployment %d, %v", d.Number, err)
			}
			if !repeated {
				made.Add(1)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		s.Errorf("%d deployments made, want 1", made.Load())
	}
}

// Every pair of states: what the domain allows is stored, everything else is refused and changes nothing.
func states(s *suite) {
	p := s.project()
	paths := pathsTo()
	for _, from := range platform.States() {
		for _, to := range platform.States() {
			d := s.to(s.submit(platform.Submission{Project: p.ID}), paths[from]...)
			_, err := s.SetStatus(s.ctx, d.ID, platform.Status{State: to})
			got, findErr := s.Deployment(s.ctx, d.ID)
			s.must(findErr)
			if from.CanBecome(to) {
				if err != nil || got.State != to {
					s.Errorf("%s to %s: %s, %v", from, to, got.State, err)
				}
				continue
			}
			if !errors.Is(err, platform.ErrState) || got.State != from {
				s.Errorf("%s to %s: %s, %v; want it refused", from, to, got.State, err)
			}
		}
	}
	d := s.submit(platform.Submission{Project: p.ID})
	_, err := s.SetStatus(s.ctx, d.ID, platform.Status{State: "dancing"})
	s.wantErr("an unknown state", err, platform.ErrState)
}

// pathsTo returns a way from queued to each state.
func pathsTo() map[platform.State][]platform.State {
	paths := map[platform.State][]platform.State{platform.StateQueued: nil}
	for todo := []platform.State{platform.StateQueued}; len(todo) > 0; todo = todo[1:] {
		for _, next := range platform.States() {
			if _, known := paths[next]; !known && todo[0].CanBecome(next) {
				paths[next] = append(slices.Clone(paths[todo[0]]), next)
				todo = append(todo, next)
			}
		}
	}
	return paths
}

func status(s *suite) {
	d := s.submit(submission(s.project().ID))
	check := func(set, want platform.Status) {
		s.Helper()
		answered, err := s.SetStatus(s.ctx, d.ID, set)
		s.must(err)
		got, err := s.Deployment(s.ctx, d.ID)
		s.must(err)
		if !reflect.DeepEqual(answered, got) || !reflect.DeepEqual(got.Status, want) {
			s.Errorf("answered %+v, found %+v, want %+v", answered.Status, got.Status, want)
		}
		if !reflect.DeepEqual(got.Release, d.Release) {
			s.Errorf("the release changed to %+v", got.Release)
		}
	}
	check(platform.Status{State: platform.StateBuilding}, platform.Status{State: platform.StateBuilding, Changed: Epoch})
	later := Epoch.Add(time.Hour)
	check(platform.Status{State: platform.StateStarting, Changed: later, Lock: "lock-1"},
		platform.Status{State: platform.StateStarting, Changed: later, Lock: "lock-1"})
	check(platform.Status{State: platform.StateRunning}, platform.Status{State: platform.StateRunning, Changed: Epoch, Lock: "lock-1"})
	problem := platform.Cause{
		Reason: platform.ReasonCrash, Message: "it crashed", Hint: "look at app.py", Output: []string{"\x1b[31mTraceback", "", "<b>"},
	}
	check(platform.Status{State: platform.StateFailed, Problem: problem},
		platform.Status{State: platform.StateFailed, Changed: Epoch, Problem: problem, Lock: "lock-1"})
	check(platform.Status{State: platform.StateQueued}, platform.Status{State: platform.StateQueued, Changed: Epoch, Lock: "lock-1"})
	archives, err := s.Archives(s.ctx)
	s.must(err)
	locks, err := s.Locks(s.ctx)
	s.must(err)
	if !reflect.DeepEqual(archives, map[string]bool{"archive-1": true}) || !reflect.DeepEqual(locks, map[string]bool{"lock-1": true}) {
		s.Errorf("archives %v, locks %v", archives, locks)
	}
}

func statesAtOnce(s *suite) {
	d := s.to(s.submit(submission(s.project().ID)), platform.StateBuilding)
	var done, refused atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			switch _, err := s.SetStatus(s.ctx, d.ID, platform.Status{State: platform.StateStarting}); {
			case err == nil:
				done.Add(1)
			case errors.Is(err, platform.ErrState):
				refused.Add(1)
			default:
				s.Error(err)
			}
		})
	}
	all.Wait()
	if done.Load() != 1 || refused.Load() != 7 {
		s.Errorf("%d changes, %d refused; want 1 and 7", done.Load(), refused.Load())
	}
}

func dropOld(s *suite) {
	p, other := s.project(), s.project()
	replaced := pathsTo()[platform.StateReplaced]
	for _, ends := range [][]platform.State{
		1:  {platform.StateBuilding, platform.StateStarting, platform.StateRunning}, // serves
		2:  replaced,
		3:  {platform.StateStopped}, // the current one
		4:  replaced,
		5:  {platform.StateFailed},
		6:  replaced,
		7:  replaced,
		8:  {platform.StateFailed},
		9:  {platform.StateFailed},
		10: nil, // queued
	}[1:] {
		s.to(s.submit(submission(p.ID)), ends...)
	}
	s.to(s.submit(submission(other.ID)), replaced...)
	list, err := s.Deployments(s.ctx, p.ID)
	s.must(err)
	s.must(s.SetCurrent(s.ctx, p.ID, list[10-3].ID))
	dropped, err := s.DropOld(s.ctx, 2)
	s.must(err)
	slices.SortFunc(dropped, func(a, b platform.Deployment) int { return a.Number - b.Number })
	// Of those that did not fail, 10 and 7 are the newest.
	s.wantNumbers("dropped", dropped, 2, 4, 5, 6)
	if !reflect.DeepEqual(dropped[0], list[10-2]) {
		s.Errorf("dropped %+v, want %+v", dropped[0], list[10-2])
	}
	left, err := s.Deployments(s.ctx, p.ID)
	s.must(err)
	s.wantNumbers("left", left, 10, 9, 8, 7, 3, 1)
	for _, d := range dropped {
		_, err := s.Secrets(s.ctx, d.ID)
		s.wantErr("secrets of a dropped deployment", err, platform.ErrNotFound)
	}
	if left, err := s.Deployments(s.ctx, other.ID); err != nil || len(left) != 1 {
		s.Errorf("another project has %d deployments, %v; want 1", len(left), err)
	}
	if again, err := s.DropOld(s.ctx, 2); err != nil || len(again) != 0 {
		s.Errorf("dropped %v, %v the second time", again, err)
	}
}

func rotateKey(s *suite) {
	p := s.project()
	sub := submission(p.ID)
	var ids []string
	for range 3 {
		ids = append(ids, s.submit(sub).ID)
		s.must(s.RotateKey(s.ctx))
	}
	for _, id := range append(ids, s.submit(sub).ID) {
		if got, err := s.Secrets(s.ctx, id); err != nil || !reflect.DeepEqual(got, sub.Secrets) {
			s.Errorf("secrets %+v, %v; want %+v", got, err, sub.Secrets)
		}
	}
}

func digests(s *suite) {
	p := s.project()
	digest := func(vars ...platform.Variable) map[string]string {
		d := s.submit(platform.Submission{Project: p.ID, Secrets: platform.Secrets{Variables: vars}})
		got, err := s.SecretDigests(s.ctx, d.ID)
		s.must(err)
		if len(got) != len(vars) {
			s.Errorf("%d digests of %d variables", len(got), len(vars))
		}
		return got
	}
	first := digest(platform.Variable{Name: "A", Value: "1"}, platform.Variable{Name: "B", Value: "1"})
	second := digest(platform.Variable{Name: "B", Value: "2"}, platform.Variable{Name: "A", Value: "1"})
	if first["A"] != second["A"] || first["B"] == second["B"] {
		s.Errorf("digests %v, then %v; only B has changed", first, second)
	}
	if first["A"] == first["B"] || len(first["A"]) != 64 {
		s.Errorf("digests %v show that two values are equal, or have another size than 64", first)
	}
}
