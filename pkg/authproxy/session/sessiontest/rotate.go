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

// rotated returns s with other grants and another key; its current key stays valid for some time after the epoch.
func rotated(t *testing.T, s *session.Session, good time.Duration) *session.Session {
	t.Helper()
	next := renamed(t, s)
	next.Former = append(append([]session.Former{}, s.Former...), session.Former{Key: s.Key, Nonce: [32]byte{1}, Until: epoch.Add(good)})
	return next
}

// rotatedGrace: a former key finds the session until it expires, and its use counts.
func rotatedGrace(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	second := rotated(t, s, 2*time.Minute)
	replace(t, st, s, second)
	third := rotated(t, second, 9*time.Minute)
	replace(t, st, second, third)
	for _, key := range []session.Key{s.Key, second.Key, third.Key} {
		same(t, found(t, st, key, 2*time.Minute-1), third)
	}
	wantNone(t, st, s.Key, 2*time.Minute)
	same(t, found(t, st, second.Key, 9*time.Minute-1), third)
	wantNone(t, st, second.Key, 9*time.Minute)
	same(t, found(t, st, third.Key, 18*time.Minute), third)
	if _, err := st.Look(context.Background(), second.Key, epoch.Add(18*time.Minute)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("look by a former key: %v; want ErrNotFound", err)
	}
}

// rotatedForgets: a former key that the session no longer lists is invalid.
func rotatedForgets(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	second := rotated(t, s, time.Hour)
	replace(t, st, s, second)
	third := rotated(t, second, time.Hour)
	third.Former = third.Former[1:]
	replace(t, st, second, third)
	wantNone(t, st, s.Key, 0)
	wantDeleted(t, st, s.Key)
	same(t, found(t, st, second.Key, 0), third)
	fourth := changed(third)
	fourth.Former = nil
	replace(t, st, third, fourth)
	wantNone(t, st, second.Key, 0)
	same(t, found(t, st, third.Key, 0), fourth)
}

// rotatedEnds: a session can be ended by a former key, and ends under all its keys.
func rotatedEnds(t *testing.T, st session.Store) {
	for name, end := range map[string]func(former, present *session.Session){
		"by the former key":   func(former, present *session.Session) { wantDeleted(t, st, former.Key, present.Key) },
		"by the present key":  func(_, present *session.Session) { wantDeleted(t, st, present.Key, present.Key) },
		"by a tag":            func(_, present *session.Session) { wantEnded(t, st, "ann", present.Key) },
		"because it was idle": func(_, present *session.Session) { wantNone(t, st, present.Key, 10*time.Minute) },
	} {
		s := newSession(t, "ann")
		create(t, st, s)
		next := rotated(t, s, time.Hour)
		replace(t, st, s, next)
		end(s, next)
		for _, key := range []session.Key{s.Key, next.Key} {
			if got, err := st.Use(context.Background(), key, epoch); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("ended %s: %v, %v; want ErrNotFound", name, got, err)
			}
			wantDeleted(t, st, key)
		}
		for _, old := range []*session.Session{s, next} {
			if _, err := st.Replace(context.Background(), old, rotated(t, old, time.Hour)); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("ended %s, then rotated: %v; want ErrNotFound", name, err)
			}
		}
		wantEnded(t, st, "ann")
	}
}

// rotatedNoResurrection: a session that is rotated while it is deleted does not come back under any of its keys.
func rotatedNoResurrection(t *testing.T, st session.Store) {
	for range 10 {
		s := newSession(t, "ann")
		create(t, st, s)
		var wg sync.WaitGroup
		var keys []session.Key
		wg.Go(func() { keys = rotateUntilEnded(t, st, s) })
		wg.Go(func() {
			if ended, err := st.Delete(context.Background(), s.Key); err != nil || len(ended) != 1 {
				t.Errorf("%d sessions ended, %v; want 1", len(ended), err)
			}
		})
		wg.Wait()
		for _, key := range keys {
			wantNone(t, st, key, 0)
		}
		wantEnded(t, st, "ann")
	}
}

// rotateUntilEnded rotates a session until it has ended, and returns the keys that it has had.
func rotateUntilEnded(t *testing.T, st session.Store, s *session.Session) (keys []session.Key) {
	for old := s; ; {
		next := rotated(t, old, time.Hour)
		keys = append(keys, old.Key, next.Key)
		stored, err := st.Replace(context.Background(), old, next)
		if err != nil {
			if !errors.Is(err, session.ErrNotFound) {
				t.Error(err)
			}
			return keys
		}
		old = stored
	}
}

// claimed: one owner at a time holds a claim and can renew it; others can claim once it has expired.
func claimed(t *testing.T, st session.Store) {
	one, other := newSession(t, "ann"), newSession(t, "bob")
	create(t, st, one)
	create(t, st, other)
	a, b := session.Owner{1}, session.Owner{2}
	claim := func(what string, s *session.Session, by session.Owner, after time.Duration, want bool) {
		t.Helper()
		now := epoch.Add(after)
		got, ours, err := st.Claim(context.Background(), s.Key, by, now, now.Add(time.Minute))
		if err != nil || ours != want {
			t.Fatalf("%s: %v, %v; want %v", what, ours, err, want)
		}
		same(t, got, s)
	}
	claim("the first", one, a, 0, true)
	claim("again", one, a, 1, true)
	claim("another owner", one, b, 2, false)
	claim("another session", other, b, 2, true)
	claim("the first for that", other, a, 2, false)
	claim("the other owner in time", one, b, 1+time.Minute, true)
	claim("the first again", one, a, 1+time.Minute, false)

	next := rotated(t, one, 5*time.Minute)
	replace(t, st, one, next)
	for _, key := range []session.Key{one.Key, next.Key} {
		if got, _, err := st.Claim(context.Background(), key, a, epoch.Add(time.Minute), epoch.Add(2*time.Minute)); err != nil {
			t.Errorf("after a rotation: %v", err)
		} else {
			same(t, got, next) // what the owner before has stored
		}
	}
	wantNone := func(what string, key session.Key, after time.Duration) {
		t.Helper()
		if got, ours, err := st.Claim(context.Background(), key, a, epoch.Add(after), epoch.Add(time.Hour)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: %v, %v, %v; want ErrNotFound", what, got, ours, err)
		}
	}
	wantNone("a former key after its time", one.Key, 5*time.Minute)
	wantNone("an idle session", next.Key, 10*time.Minute) // a claim does not count as a use
	wantNone("no session", newSession(t, "eve").Key, 0)
	wantEnded(t, st, "bob", other.Key)
	wantNone("an ended session", other.Key, 0)
}

// claimedOnce: of many concurrent owners one succeeds.
func claimedOnce(t *testing.T, st session.Store) {
	s := newSession(t, "ann")
	create(t, st, s)
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if _, ours, err := st.Claim(context.Background(), s.Key, session.Owner{byte(i)}, epoch, epoch.Add(time.Minute)); err != nil {
				t.Error(err)
			} else if ours {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d owners, want 1", won.Load())
	}
}
