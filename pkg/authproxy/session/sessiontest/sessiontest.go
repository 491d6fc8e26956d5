// Package sessiontest holds the suite that every session.Store must pass. It must not know any store.
package sessiontest

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// epoch is when the suite's sessions are made.
var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

// Run checks the stores that open returns, an empty one a call.
func Run(t *testing.T, open func(t *testing.T) session.Store) {
	for name, check := range map[string]func(*testing.T, session.Store){
		"what was created is found":          created,
		"everything comes back as it was":    complete,
		"an unknown key is not found":        unknown,
		"a deleted session is gone":          deleted,
		"use does not bring back":            noResurrection,
		"an unused session ends":             idle,
		"a look does not count as a use":     looked,
		"use prolongs up to the limit":       absolute,
		"a clock set back ends nothing":      clockBack,
		"all sessions with a tag end":        owner,
		"each tag of a session ends it":      manyTags,
		"replaced under its own key":         replacedInPlace,
		"replaced by another key":            replacedByAnother,
		"what has ended cannot be replaced":  replacedTooLate,
		"a replaced session is as used":      replacedAsUsed,
		"tags are those of the last version": replacedTags,
		"one of many replacements wins":      replacedOnce,
		"replacing does not bring back":      replacedNoResurrection,
		"ending all does not bring back":     taggedNoResurrection,
		"a former key leads on for a while":  rotatedGrace,
		"a former key can be forgotten":      rotatedForgets,
		"a former key ends the session":      rotatedEnds,
		"rotating does not bring back":       rotatedNoResurrection,
		"a claim keeps others off":           claimed,
		"one of many claims wins":            claimedOnce,
		"many goroutines may use it at once": concurrent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

func newSession(t *testing.T, owner string) *session.Session {
	t.Helper()
	id, err := session.NewID(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &session.Session{
		Key: id.Key(&session.Secret{1}), Tags: []string{owner, "sid " + owner}, Created: epoch, Idle: 10 * time.Minute, Expires: epoch.Add(time.Hour),
		Grants: []session.Grant{
			{Scope: "api", Identity: identity.Identity{Name: "bot"}},
			{Scope: "main_app", Identity: identity.Identity{Name: "zoë", Subject: "s|1", AccessToken: "a", IDToken: "i"}},
		},
	}
}

func create(t *testing.T, st session.Store, s *session.Session) {
	t.Helper()
	if err := st.Create(context.Background(), s); err != nil {
		t.Fatalf("create: %v", err)
	}
}

func found(t *testing.T, st session.Store, key session.Key, after time.Duration) *session.Session {
	t.Helper()
	s, err := st.Use(context.Background(), key, epoch.Add(after))
	if err != nil {
		t.Fatalf("use after %v: %v", after, err)
	}
	return s
}

func wantNone(t *testing.T, st session.Store, key session.Key, after time.Duration) {
	t.Helper()
	if s, err := st.Use(context.Background(), key, epoch.Add(after)); !errors.Is(err, session.ErrNotFound) {
		t.Fatalf("use after %v: %v, %v; want ErrNotFound", after, s, err)
	}
}

func created(t *testing.T, st session.Store) {
	want := newSession(t, "ann")
	create(t, st, want)
	got := found(t, st, want.Key, time.Second)
	if got.Key != want.Key || !slices.Equal(got.Tags, want.Tags) || !got.Created.Equal(want.Created) || !got.Expires.Equal(want.Expires) ||
		got.Idle != want.Idle {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if id := got.In("main_app"); id == nil || *id != want.Grants[1].Identity {
		t.Errorf("granted %+v, want %+v", id, want.Grants[1].Identity)
	}
	if id := got.In("analytics"); id != nil {
		t.Errorf("granted %+v where nothing was", id)
	}
}

func unknown(t *testing.T, st session.Store) {
	wantNone(t, st, newSession(t, "ann").Key, 0)
	wantNone(t, st, session.Key{}, 0)
	wantDeleted(t, st, session.Key{})
}

func deleted(t *testing.T, st session.Store) {
	s, other := newSession(t, "ann"), newSession(t, "ann")
	create(t, st, s)
	create(t, st, other)
	wantDeleted(t, st, s.Key, s.Key)
	wantNone(t, st, s.Key, time.Second)
	found(t, st, other.Key, time.Second)
}

// noResurrection: a session that is used while it is deleted does not come back.
func noResurrection(t *testing.T, st session.Store) {
	for range 50 {
		s := newSession(t, "ann")
		create(t, st, s)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 20 {
					_, _ = st.Use(context.Background(), s.Key, epoch.Add(time.Duration(i)*time.Second))
				}
			})
		}
		wg.Go(func() { wantDeleted(t, st, s.Key, s.Key) })
		wg.Wait()
		wantNone(t, st, s.Key, time.Minute)
	}
}

func idle(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	wantNone(t, st, s.Key, s.Idle)
	wantNone(t, st, s.Key, 0) // an expired session does not come back when the clock does
}

func looked(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	for after := time.Minute; after < s.Idle; after += time.Minute {
		if got, err := st.Look(context.Background(), s.Key, epoch.Add(after)); err != nil || got.Key != s.Key {
			t.Fatalf("look after %v: %v, %v", after, got, err)
		}
	}
	if _, err := st.Look(context.Background(), s.Key, epoch.Add(s.Idle)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("look at its end: %v; want ErrNotFound", err)
	}
	wantNone(t, st, s.Key, s.Idle)
}

func absolute(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	for after := 9 * time.Minute; after < time.Hour; after += 9 * time.Minute {
		found(t, st, s.Key, after)
	}
	wantNone(t, st, s.Key, time.Hour)
}

func clockBack(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	found(t, st, s.Key, -5*time.Minute)
	found(t, st, s.Key, time.Minute)
}

func owner(t *testing.T, st session.Store) {
	a, b, other := newSession(t, "ann"), newSession(t, "ann"), newSession(t, "bob")
	for _, s := range []*session.Session{a, b, other} {
		create(t, st, s)
	}
	keys, err := st.DeleteTagged(context.Background(), "ann")
	if err != nil || len(keys) != 2 {
		t.Fatalf("DeleteTagged = %d keys, %v; want 2", len(keys), err)
	}
	wantNone(t, st, a.Key, 0)
	wantNone(t, st, b.Key, 0)
	found(t, st, other.Key, 0)
	if keys, err := st.DeleteTagged(context.Background(), "nobody"); err != nil || len(keys) != 0 {
		t.Errorf("DeleteTagged of nobody = %d keys, %v", len(keys), err)
	}
}

func concurrent(t *testing.T, st session.Store) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				s := newSession(t, "ann")
				if err := st.Create(context.Background(), s); err != nil {
					t.Error(err)
				}
				if _, err := st.Use(context.Background(), s.Key, epoch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
