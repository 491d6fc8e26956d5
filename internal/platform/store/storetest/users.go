package storetest

import (
	"slices"
	"testing"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func users(s *suite) {
	want, key, err := s.CreateUser(s.ctx, "zoe", platform.Teams)
	s.must(err)
	if want.ID == "" || want.Name != "zoe" || want.Tier != platform.Teams || !want.Created.Equal(Epoch) {
		s.Errorf("created %+v", want)
	}
	s.user("ann", platform.Pro)
	got, err := s.User(s.ctx, "zoe")
	s.must(err)
	byKey, err := s.UserByKey(s.ctx, key)
	s.must(err)
	if got != want || byKey != want {
		s.Errorf("found %+v by name, %+v by key; want %+v", got, byKey, want)
	}
	all, err := s.Users(s.ctx)
	s.must(err)
	if len(all) != 2 || all[0].Name != "ann" || all[1] != want {
		s.Errorf("list %+v, want ann and zoe", all)
	}
	for _, key := range []string{"", key + "x", key[1:], want.ID} {
		_, err := s.UserByKey(s.ctx, key)
		s.wantErr("another key", err, platform.ErrNotFound)
	}
}

func userNames(s *suite) {
	s.user("ann", platform.Pro)
	_, _, err := s.CreateUser(s.ctx, "ann", platform.Pro)
	s.wantErr("a second ann", err, platform.ErrExists)
	for _, name := range []string{"", "Ann", "a b", "../a", "é"} {
		if _, _, err := s.CreateUser(s.ctx, name, platform.Pro); err == nil {
			s.Errorf("created a user called %q", name)
		}
	}
	if _, _, err := s.CreateUser(s.ctx, "bob", "gold"); err == nil {
		s.Error("created a user of an unknown tier")
	}
	all, err := s.Users(s.ctx)
	s.must(err)
	if len(all) != 1 {
		s.Errorf("%d users, want 1", len(all))
	}
}

func userKeys(s *suite) {
	want, old, err := s.CreateUser(s.ctx, "ann", platform.Pro)
	s.must(err)
	fresh, err := s.RotateUserKey(s.ctx, "ann")
	s.must(err)
	if fresh == old {
		s.Error("the new key is the old one")
	}
	_, err = s.UserByKey(s.ctx, old)
	s.wantErr("the old key", err, platform.ErrNotFound)
	if got, err := s.UserByKey(s.ctx, fresh); err != nil || got != want {
		s.Errorf("the new key belongs to %+v, %v; want %+v", got, err, want)
	}
}

func tiers(s *suite) {
	s.user(platform.OwnerName, platform.Owner)
	s.user("ann", platform.Community)
	s.must(s.SetTier(s.ctx, "ann", platform.Pro))
	if u, err := s.User(s.ctx, "ann"); err != nil || u.Tier != platform.Pro {
		s.Errorf("tier %q, %v; want pro", u.Tier, err)
	}
	if err := s.SetTier(s.ctx, "ann", "gold"); err == nil {
		s.Error("an unknown tier was set")
	}
	s.wantErr("another tier for the owner", s.SetTier(s.ctx, platform.OwnerName, platform.Pro), platform.ErrState)
}

func removedUser(s *suite) {
	owner := s.user(platform.OwnerName, platform.Owner)
	ann, key, err := s.CreateUser(s.ctx, "ann", platform.Pro)
	s.must(err)
	p, err := s.CreateProject(s.ctx, ann, platform.Panel, 0)
	s.must(err)
	s.must(s.RemoveUser(s.ctx, "ann"))
	_, err = s.UserByKey(s.ctx, key)
	s.wantErr("a removed user", err, platform.ErrNotFound)
	got, err := s.Project(s.ctx, p.ID)
	s.must(err)
	if got.Owner != owner.ID {
		s.Errorf("the project belongs to %q, want the owner %q", got.Owner, owner.ID)
	}
	s.wantErr("removing the owner", s.RemoveUser(s.ctx, platform.OwnerName), platform.ErrState)
	_, err = s.CreateProject(s.ctx, ann, platform.Panel, 0)
	s.wantErr("a project of a removed user", err, platform.ErrNotFound)
	if again := s.user("ann", platform.Pro); again.ID == ann.ID {
		s.Error("another user got the ID of the removed one")
	}
}

func projectLists(s *suite) {
	ann, bob := s.user("ann", platform.Pro), s.user("bob", platform.Pro)
	ids := map[string][]string{}
	for _, u := range []platform.User{ann, bob, ann} {
		p, err := s.CreateProject(s.ctx, u, platform.Panel, 0)
		s.must(err)
		ids[u.ID] = append(ids[u.ID], p.ID)
	}
	list := func(owner string) (got []string) {
		projects, err := s.Projects(s.ctx, owner)
		s.must(err)
		for _, p := range projects {
			got = append(got, p.ID)
		}
		slices.Sort(got)
		return got
	}
	for _, want := range ids {
		slices.Sort(want)
	}
	if got := list(ann.ID); !slices.Equal(got, ids[ann.ID]) {
		s.Errorf("projects of ann %q, want %q", got, ids[ann.ID])
	}
	all := append(ids[ann.ID], ids[bob.ID]...)
	slices.Sort(all)
	if got := list(""); !slices.Equal(got, all) {
		s.Errorf("all projects %q, want %q", got, all)
	}
	if got := list("unknown"); len(got) != 0 {
		s.Errorf("projects of an unknown user: %q", got)
	}
}

// BenchmarkProjects lists 1,000 projects.
func BenchmarkProjects(b *testing.B, st Store) {
	ctx := b.Context()
	owner, _, err := st.CreateUser(ctx, platform.OwnerName, platform.Owner)
	if err != nil {
		b.Fatal(err)
	}
	for range 1000 {
		p, err := st.CreateProject(ctx, owner, platform.Streamlit, 0)
		if err == nil {
			_, _, err = st.Submit(ctx, submission(p.ID))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if list, err := st.Projects(ctx, owner.ID); len(list) != 1000 || err != nil {
			b.Fatalf("%d projects, %v", len(list), err)
		}
	}
}
