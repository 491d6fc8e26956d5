package sessiontest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// replace expects Replace to store next.
func replace(t *testing.T, st session.Store, old, next *session.Session) {
	t.Helper()
	if stored, err := st.Replace(context.Background(), old, next); err != nil || stored != next {
		t.Fatalf("replace: %+v, %v; want what was given", stored, err)
	}
}

// changed returns the next version of s, which grants something else.
func changed(s *session.Session) *session.Session {
	next := *s
	next.Version++
	next.Grants = []session.Grant{{Scope: "main_app", Login: &session.Login{RefreshToken: "next"}}}
	return &next
}

// renamed is changed with another key and no former one.
func renamed(t *testing.T, s *session.Session) *session.Session {
	t.Helper()
	next := changed(s)
	next.Key = newSession(t, "").Key
	return next
}

func replacedInPlace(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, time.Second)
	next := changed(s)
	replace(t, st, s, next)
	same(t, found(t, st, s.Key, 2*time.Second), next)
	wantEnded(t, st, "ann", s.Key)
	wantNone(t, st, s.Key, 2*time.Second)
}

func replacedByAnother(t *testing.T, st session.Store) {
	s, other := newSession(t, "ann"), newSession(t, "bob")
	create(t, st, s)
	create(t, st, other)
	next := renamed(t, s)
	replace(t, st, s, next)
	wantNone(t, st, s.Key, time.Second)
	same(t, found(t, st, next.Key, time.Second), next)
	found(t, st, other.Key, time.Second)
	wantEnded(t, st, "ann", next.Key)
}

// replacedTooLate: Replace of an ended session fails and adds nothing.
func replacedTooLate(t *testing.T, st session.Store) {
	for name, end := range map[string]func(*session.Session){
		"never was": func(*session.Session) {},
		"logged out": func(s *session.Session) {
			create(t, st, s)
			wantDeleted(t, st, s.Key, s.Key)
		},
		"ended by its tag": func(s *session.Session) {
			create(t, st, s)
			wantEnded(t, st, s.Tags[0], s.Key)
		},
		"expired": func(s *session.Session) {
			create(t, st, s)
			wantNone(t, st, s.Key, time.Hour)
		},
		"replaced": func(s *session.Session) {
			create(t, st, s)
			replace(t, st, s, renamed(t, s))
		},
	} {
		s := newSession(t, "of "+name)
		end(s)
		for which, next := range map[string]*session.Session{"itself": changed(s), "another": renamed(t, s)} {
			next.Tags = []string{"late"}
			if _, err := st.Replace(context.Background(), s, next); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s, replaced by %s: %v, want ErrNotFound", name, which, err)
			}
			wantNone(t, st, next.Key, 0)
			wantEnded(t, st, "late")
		}
	}
}

// replacedAsUsed: Replace keeps the time of last use.
func replacedAsUsed(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, 5*time.Minute)
	next := renamed(t, s)
	next.Created = epoch.Add(9 * time.Minute) // as after another login
	next.Expires = next.Created.Add(time.Hour)
	replace(t, st, s, next)
	last := changed(next)
	replace(t, st, next, last)
	wantNone(t, st, last.Key, 15*time.Minute)

	s = newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, 5*time.Minute)
	replace(t, st, s, changed(s))
	found(t, st, s.Key, 14*time.Minute)
}

func replacedTags(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	next := changed(s)
	next.Tags = []string{"bob", "sid 2"}
	replace(t, st, s, next)
	wantEnded(t, st, "ann")
	found(t, st, s.Key, time.Second)
	wantEnded(t, st, "sid 2", s.Key)
}

// replacedOnce: of many concurrent replacements of one version one succeeds, and the others get its result.
func replacedOnce(t *testing.T, st session.Store) {
	for name, change := range map[string]func(*session.Session) *session.Session{
		"in place": changed,
		"rotated":  func(s *session.Session) *session.Session { return rotated(t, s, time.Hour) },
	} {
		for range 5 {
			s := newSession(t, "ann")
			create(t, st, s)
			var won atomic.Int32
			outcomes := make(chan *session.Session, 8)
			var wg sync.WaitGroup
			for range cap(outcomes) {
				next := change(s)
				wg.Go(func() {
					stored, err := st.Replace(context.Background(), s, next)
					if err != nil {
						t.Errorf("%s: %v", name, err)
						return
					}
					if stored == next {
						won.Add(1)
					}
					outcomes <- stored
				})
			}
			wg.Wait()
			close(outcomes)
			stored := found(t, st, s.Key, 0)
			for outcome := range outcomes {
				same(t, outcome, stored)
			}
			if won.Load() != 1 {
				t.Fatalf("%s: %d replacements, want 1", name, won.Load())
			}
			wantEnded(t, st, "ann", stored.Key)
		}
	}
}

// replacedNoResurrection: a session that is replaced while it is deleted does not come back.
func replacedNoResurrection(t *testing.T, st session.Store) {
	for range 30 {
		s := newSession(t, "ann")
		create(t, st, s)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for old := s; ; {
					stored, err := st.Replace(context.Background(), old, changed(old))
					if err != nil {
						if !errors.Is(err, session.ErrNotFound) {
							t.Error(err)
						}
						return
					}
					old = stored
					_, _ = st.Use(context.Background(), s.Key, epoch.Add(time.Second))
				}
			})
		}
		wg.Go(func() { wantDeleted(t, st, s.Key, s.Key) })
		wg.Wait()
		wantNone(t, st, s.Key, time.Second)
		wantEnded(t, st, "ann")
	}
}

// taggedNoResurrection: neither does one that is rotated while it is deleted by its tag.
func taggedNoResurrection(t *testing.T, st session.Store) {
	for range 10 {
		s := newSession(t, "ann")
		create(t, st, s)
		var wg sync.WaitGroup
		wg.Go(func() { rotateUntilEnded(t, st, s) })
		wg.Go(func() {
			if keys, err := st.DeleteTagged(context.Background(), "ann"); err != nil || len(keys) != 1 {
				t.Errorf("%d sessions ended, %v; want 1", len(keys), err)
			}
		})
		wg.Wait()
		wantEnded(t, st, "ann")
	}
}

func wantDeleted(t *testing.T, st session.Store, key session.Key, want ...session.Key) {
	t.Helper()
	got, err := st.Delete(context.Background(), key)
	if err != nil || len(got) != len(want) || len(want) > 0 && got[0] != want[0] {
		t.Errorf("Delete = %x, %v; want %x", got, err, want)
	}
}
