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

func replace(t *testing.T, st session.Store, s *session.Session, replaces session.Key) {
	t.Helper()
	if err := st.Put(context.Background(), s, replaces); err != nil {
		t.Fatalf("replace: %v", err)
	}
}

// changed returns a copy of s that grants something else.
func changed(s *session.Session, key session.Key) *session.Session {
	next := *s
	next.Key = key
	next.Grants = []session.Grant{{Area: "main_app", Login: &session.Login{RefreshToken: "next"}}}
	return &next
}

func replacedInPlace(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, time.Second)
	next := changed(s, s.Key)
	replace(t, st, next, s.Key)
	same(t, found(t, st, s.Key, 2*time.Second), next)
	wantEnded(t, st, "ann", s.Key)
	gone(t, st, s.Key, 2*time.Second)
}

func replacedByAnother(t *testing.T, st session.Store) {
	s, other := newSession(t, "ann"), newSession(t, "bob")
	create(t, st, s)
	create(t, st, other)
	next := changed(s, newSession(t, "ann").Key)
	replace(t, st, next, s.Key)
	gone(t, st, s.Key, time.Second)
	same(t, found(t, st, next.Key, time.Second), next)
	found(t, st, other.Key, time.Second)
	wantEnded(t, st, "ann", next.Key)
}

// replacedTooLate: a session that has ended is not replaced, and nothing is added.
func replacedTooLate(t *testing.T, st session.Store) {
	for name, end := range map[string]func(*session.Session){
		"never was": func(*session.Session) {},
		"logged out": func(s *session.Session) {
			create(t, st, s)
			if err := st.Delete(context.Background(), s.Key); err != nil {
				t.Fatal(err)
			}
		},
		"ended by its tag": func(s *session.Session) {
			create(t, st, s)
			wantEnded(t, st, s.Tags[0], s.Key)
		},
		"expired": func(s *session.Session) {
			create(t, st, s)
			gone(t, st, s.Key, time.Hour)
		},
		"replaced": func(s *session.Session) {
			create(t, st, s)
			replace(t, st, changed(s, newSession(t, "eve").Key), s.Key)
		},
	} {
		s := newSession(t, "of "+name)
		end(s)
		for which, key := range map[string]session.Key{"itself": s.Key, "another": newSession(t, "ann").Key} {
			next := changed(s, key)
			next.Tags = []string{"late"}
			if err := st.Put(context.Background(), next, s.Key); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("%s, replaced by %s: %v, want ErrNotFound", name, which, err)
			}
			gone(t, st, key, 0)
			wantEnded(t, st, "late")
		}
	}
}

// replacedAsUsed: to be replaced is no use; the time since the last one goes on.
func replacedAsUsed(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, 5*time.Minute)
	next := changed(s, newSession(t, "ann").Key)
	next.Created = epoch.Add(9 * time.Minute) // as after another login
	next.Expires = next.Created.Add(time.Hour)
	replace(t, st, next, s.Key)
	last := changed(next, next.Key)
	replace(t, st, last, next.Key)
	gone(t, st, last.Key, 15*time.Minute)

	s = newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, 5*time.Minute)
	replace(t, st, changed(s, s.Key), s.Key)
	found(t, st, s.Key, 14*time.Minute)
}

func replacedTags(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	next := changed(s, s.Key)
	next.Tags = []string{"bob", "sid 2"}
	replace(t, st, next, s.Key)
	wantEnded(t, st, "ann")
	found(t, st, s.Key, time.Second)
	wantEnded(t, st, "sid 2", s.Key)
}

// replacedOnce: of many that replace one session, each with a key of its own, one does.
func replacedOnce(t *testing.T, st session.Store) {
	for range 10 {
		s := newSession(t, "ann")
		create(t, st, s)
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			next := changed(s, newSession(t, "ann").Key)
			wg.Go(func() {
				switch err := st.Put(context.Background(), next, s.Key); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, session.ErrNotFound):
					t.Error(err)
				}
				_, _ = st.Use(context.Background(), s.Key, epoch)
			})
		}
		wg.Wait()
		gone(t, st, s.Key, 0)
		if won.Load() != 1 {
			t.Fatalf("%d replacements, want 1", won.Load())
		}
		if keys, err := st.DeleteTagged(context.Background(), "ann"); err != nil || len(keys) != 1 {
			t.Fatalf("%d sessions left, %v; want 1", len(keys), err)
		}
	}
}

// replacedNoResurrection: a token that is refreshed while its session ends does not write it back.
func replacedNoResurrection(t *testing.T, st session.Store) {
	for range 30 {
		s := newSession(t, "ann")
		create(t, st, s)
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for range 5 {
					if err := st.Put(context.Background(), changed(s, s.Key), s.Key); err != nil && !errors.Is(err, session.ErrNotFound) {
						t.Error(err)
					}
					_, _ = st.Use(context.Background(), s.Key, epoch.Add(time.Second))
				}
			})
		}
		wg.Go(func() {
			if err := st.Delete(context.Background(), s.Key); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		gone(t, st, s.Key, time.Second)
		wantEnded(t, st, "ann")
	}
}

// taggedNoResurrection: neither does one that goes on under new keys. What the end overtook is found by its tag.
func taggedNoResurrection(t *testing.T, st session.Store) {
	for range 10 {
		s := newSession(t, "ann")
		create(t, st, s)
		var wg sync.WaitGroup
		wg.Go(func() {
			for old := s.Key; ; {
				next := changed(s, newSession(t, "ann").Key)
				if err := st.Put(context.Background(), next, old); err != nil {
					if !errors.Is(err, session.ErrNotFound) {
						t.Error(err)
					}
					return
				}
				old = next.Key
			}
		})
		wg.Go(func() {
			if keys, err := st.DeleteTagged(context.Background(), "ann"); err != nil || len(keys) != 1 {
				t.Errorf("%d sessions ended, %v; want 1", len(keys), err)
			}
		})
		wg.Wait()
		wantEnded(t, st, "ann")
	}
}
