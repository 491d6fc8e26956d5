package storetest

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func project(s *suite) {
	ann := s.user("ann", platform.Pro)
	want, err := s.CreateProject(s.ctx, ann, platform.ShinyR, 0)
	s.must(err)
	if !platform.ValidProjectID(want.ID) || want.Owner != ann.ID || want.Type != platform.ShinyR || !want.Created.Equal(Epoch) {
		s.Errorf("created %+v", want)
	}
	got, err := s.Project(s.ctx, want.ID)
	s.must(err)
	if !reflect.DeepEqual(got, want) {
		s.Errorf("found %+v, want %+v", got, want)
	}
}

func projectSettings(s *suite) {
	want := s.project()
	check := func() {
		s.Helper()
		got, err := s.Project(s.ctx, want.ID)
		s.must(err)
		if !reflect.DeepEqual(got, want) {
			s.Errorf("found %+v, want %+v", got, want)
		}
	}
	for _, labels := range [][]string{{"b", "a", "b"}, {"", "\"", "é\u2028<!--"}, nil} {
		s.must(s.SetLabels(s.ctx, want.ID, labels))
		want.Labels = labels
		check()
	}
	for _, sleep := range []platform.Sleep{{Never: true}, {After: time.Hour + time.Microsecond}, {}} {
		s.must(s.SetSleep(s.ctx, want.ID, sleep))
		want.Sleep = sleep
		check()
	}
	if err := s.SetSleep(s.ctx, want.ID, platform.Sleep{After: -time.Second}); err == nil {
		s.Error("a negative time was set")
	}
	for _, stopped := range []bool{true, false, true} {
		s.must(s.SetStopped(s.ctx, want.ID, stopped))
		want.Stopped = stopped
		check()
	}
	s.submit(platform.Submission{Project: want.ID})
	want.Stopped = false // a new deployment runs
	check()
	s.submit(platform.Submission{Project: want.ID, Labels: []string{"new"}})
	want.Labels = []string{"new"}
	check()
	s.submit(platform.Submission{Project: want.ID, Labels: []string{}})
	want.Labels = nil
	check()
}

// More requests at once than a user may have projects.
func projectLimit(s *suite) {
	ann := s.user("ann", platform.Community)
	const limit = 3
	var made, refused atomic.Int32
	var all sync.WaitGroup
	for range 4 * limit {
		all.Go(func() {
			switch _, err := s.CreateProject(s.ctx, ann, platform.Dash, limit); {
			case err == nil:
				made.Add(1)
			case errors.Is(err, platform.ErrLimit):
				refused.Add(1)
			default:
				s.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != limit || refused.Load() != 3*limit {
		s.Errorf("%d projects made, %d refused; want %d and %d", made.Load(), refused.Load(), limit, 3*limit)
	}
	bob := s.user("bob", platform.Community)
	if _, err := s.CreateProject(s.ctx, bob, platform.Dash, limit); err != nil {
		s.Errorf("another user: %v", err)
	}
}

func current(s *suite) {
	p, other := s.project(), s.project()
	mine, foreign := s.submit(submission(p.ID)), s.submit(submission(other.ID))
	s.wantErr("a deployment of another project", s.SetCurrent(s.ctx, p.ID, foreign.ID), platform.ErrNotFound)
	s.wantErr("an unknown deployment", s.SetCurrent(s.ctx, p.ID, "unknown"), platform.ErrNotFound)
	for _, id := range []string{mine.ID, ""} {
		s.must(s.SetCurrent(s.ctx, p.ID, id))
		if got, err := s.Project(s.ctx, p.ID); err != nil || got.Current != id {
			s.Errorf("current %q, %v; want %q", got.Current, err, id)
		}
	}
}

func deleteProject(s *suite) {
	p, other := s.project(), s.project()
	d, left := s.submit(submission(p.ID)), s.submit(submission(other.ID))
	s.must(s.SetCurrent(s.ctx, p.ID, d.ID))
	s.must(s.DeleteProject(s.ctx, p.ID))
	_, err := s.Project(s.ctx, p.ID)
	s.wantErr("the project", err, platform.ErrNotFound)
	_, err = s.Deployment(s.ctx, d.ID)
	s.wantErr("its deployment", err, platform.ErrNotFound)
	_, err = s.Secrets(s.ctx, d.ID)
	s.wantErr("its secrets", err, platform.ErrNotFound)
	if all, err := s.LatestOf(s.ctx, ""); err != nil || len(all) != 1 || all[other.ID].ID != left.ID {
		s.Errorf("latest deployments %+v, %v; want that of the other project", all, err)
	}
}

func notFound(s *suite) {
	const id = "unknown'; DROP TABLE users; --"
	_, err := s.User(s.ctx, id)
	s.wantErr("User", err, platform.ErrNotFound)
	_, err = s.RotateUserKey(s.ctx, id)
	s.wantErr("RotateUserKey", err, platform.ErrNotFound)
	s.wantErr("SetTier", s.SetTier(s.ctx, id, platform.Pro), platform.ErrNotFound)
	s.wantErr("RemoveUser", s.RemoveUser(s.ctx, id), platform.ErrNotFound)
	_, err = s.Project(s.ctx, id)
	s.wantErr("Project", err, platform.ErrNotFound)
	s.wantErr("SetLabels", s.SetLabels(s.ctx, id, nil), platform.ErrNotFound)
	s.wantErr("SetSleep", s.SetSleep(s.ctx, id, platform.Sleep{}), platform.ErrNotFound)
	s.wantErr("SetStopped", s.SetStopped(s.ctx, id, true), platform.ErrNotFound)
	s.wantErr("SetCurrent", s.SetCurrent(s.ctx, id, ""), platform.ErrNotFound)
	s.wantErr("DeleteProject", s.DeleteProject(s.ctx, id), platform.ErrNotFound)
	_, _, err = s.Submit(s.ctx, submission(id))
	s.wantErr("Submit", err, platform.ErrNotFound)
	_, err = s.Deployment(s.ctx, id)
	s.wantErr("Deployment", err, platform.ErrNotFound)
	_, err = s.Latest(s.ctx, id)
	s.wantErr("Latest", err, platform.ErrNotFound)
	_, err = s.SetStatus(s.ctx, id, platform.Status{State: platform.StateBuilding})
	s.wantErr("SetStatus", err, platform.ErrNotFound)
	_, err = s.Secrets(s.ctx, id)
	s.wantErr("Secrets", err, platform.ErrNotFound)
	_, err = s.SecretDigests(s.ctx, id)
	s.wantErr("SecretDigests", err, platform.ErrNotFound)
	if list, err := s.Deployments(s.ctx, id); err != nil || len(list) != 0 {
		s.Errorf("Deployments: %v, %v; want none", list, err)
	}
}

// A deployment that ends while its project is deleted stays deleted.
func late(s *suite) {
	p := s.project()
	d := s.to(s.submit(submission(p.ID)), platform.StateBuilding)
	s.must(s.DeleteProject(s.ctx, p.ID))
	_, err := s.SetStatus(s.ctx, d.ID, platform.Status{State: platform.StateStarting})
	s.wantErr("SetStatus", err, platform.ErrNotFound)
	s.wantErr("SetCurrent", s.SetCurrent(s.ctx, p.ID, d.ID), platform.ErrNotFound)
	if list, err := s.Projects(s.ctx, ""); err != nil || len(list) != 0 {
		s.Errorf("projects %v, %v; want none", list, err)
	}
}
