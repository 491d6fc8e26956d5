package session_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

var (
	epoch     = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	newSecret = session.Secret{1}
	oldSecret = session.Secret{2}
)

// newManager returns a manager of store. Two managers of one store stand for two processes.
func newManager(t *testing.T, store session.Store) *session.Manager {
	t.Helper()
	m, err := session.NewManager(store, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func create(t *testing.T, m *session.Manager, secrets ...session.Secret) (session.ID, *session.Session) {
	t.Helper()
	s := &session.Session{Tags: []string{"ann"}, Created: epoch, Idle: time.Hour, Expires: epoch.Add(24 * time.Hour),
		Grants: []session.Grant{{Scope: "main_app", Login: &session.Login{RefreshToken: "first"}}}}
	id, err := m.Create(context.Background(), secrets, s)
	if err != nil {
		t.Fatal(err)
	}
	return id, s
}

func find(t *testing.T, m *session.Manager, id session.ID, after time.Duration, secrets ...session.Secret) session.Found {
	t.Helper()
	found, err := m.Find(context.Background(), secrets, id, epoch.Add(after))
	if err != nil {
		t.Fatalf("find after %v: %v", after, err)
	}
	return found
}

func wantNone(t *testing.T, m *session.Manager, id session.ID, after time.Duration, secrets ...session.Secret) {
	t.Helper()
	if found, err := m.Find(context.Background(), secrets, id, epoch.Add(after)); !errors.Is(err, session.ErrNotFound) {
		t.Fatalf("find after %v: %+v, %v; want ErrNotFound", after, found, err)
	}
}

func tokens(refresh string) session.Change {
	return func(next *session.Session) bool {
		next.Grants[0].Login = &session.Login{RefreshToken: refresh}
		return true
	}
}

func rotate(t *testing.T, m *session.Manager, id session.ID, s *session.Session, after time.Duration, change session.Change, secrets ...session.Secret) *session.Session {
	t.Helper()
	stored, err := m.Rotate(context.Background(), secrets, id, s, epoch.Add(after), change)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

// After a rotation a session has a new id. Every process derives it from the former one, during the grace period; after
// that, and with any other secret, the former id is invalid.
func TestRotation(t *testing.T) {
	t.Parallel()
	store := session.NewMemory(0)
	m, other := newManager(t, store), newManager(t, store)
	first, s := create(t, m, newSecret)
	s = rotate(t, m, first, s, time.Minute, tokens("second"), newSecret)
	second := find(t, other, first, time.Minute, newSecret)
	if second.ID == first || second.ID == "" || second.Session != s || second.Outdated || s.Grants[0].Login.RefreshToken != "second" {
		t.Fatalf("from the former id: %+v", second)
	}
	s = rotate(t, other, second.ID, s, 2*time.Minute, tokens("third"), newSecret)
	third := find(t, m, second.ID, 2*time.Minute, newSecret)
	for _, id := range []session.ID{first, second.ID, third.ID} {
		if got := find(t, m, id, 3*time.Minute-1, newSecret); got.ID != third.ID || got.Session != s {
			t.Errorf("%+v, want the third id", got)
		}
		wantNone(t, m, id, 3*time.Minute-1, oldSecret)
	}
	if ids := []session.ID{first, second.ID, third.ID}; len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 3 {
		t.Error("two of three ids are equal")
	}
	wantNone(t, m, first, time.Minute+session.Grace, newSecret)
	wantNone(t, m, second.ID, 2*time.Minute+session.Grace, newSecret)
	if got := find(t, m, third.ID, 30*time.Minute, newSecret); got.ID != third.ID {
		t.Errorf("the present id leads to %+v", got)
	}
}

// Of many concurrent rotations in two processes one takes effect: all callers get the same new id.
func TestRotationsAtOnce(t *testing.T) {
	t.Parallel()
	store := session.NewMemory(0)
	managers := []*session.Manager{newManager(t, store), newManager(t, store)}
	id, s := create(t, managers[0], newSecret)
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[session.ID]bool{}
	for i := range 20 {
		wg.Go(func() {
			stored, err := managers[i%2].Rotate(context.Background(), []session.Secret{newSecret}, id, s, epoch, func(next *session.Session) bool {
				return next.Version == 1 // the winner's outcome will do
			})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			ids[session.CurrentID([]session.Secret{newSecret}, id, stored)] = true
		})
	}
	wg.Wait()
	if len(ids) != 1 || ids[id] || ids[""] {
		t.Errorf("new ids %v, want one", ids)
	}
}

// A change is not lost because another one is faster: tokens renewed while a request rotates the session, and the reverse.
func TestChangesAreNotLost(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]bool{"rotated first": true, "tokens first": false} {
		m := newManager(t, session.NewMemory(0))
		id, s := create(t, m, newSecret)
		due := func(next *session.Session) bool { next.RotationDue = true; return true }
		s, err := m.Update(context.Background(), s, due)
		if err != nil {
			t.Fatal(err)
		}
		renew := func() {
			if _, err := m.Update(context.Background(), s, tokens("second")); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if !first {
			renew()
		}
		rotate(t, m, id, s, 0, func(next *session.Session) bool { return next.RotationDue }, newSecret)
		if first {
			renew()
		}
		if got := find(t, m, id, 0, newSecret); got.ID == id || got.RotationDue || got.Grants[0].Login.RefreshToken != "second" || got.Version != 3 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A session that has ended is neither rotated nor changed, and it can be ended by any of its ids.
func TestEndedSessionsStayEnded(t *testing.T) {
	t.Parallel()
	m := newManager(t, session.NewMemory(0))
	id, first := create(t, m, newSecret)
	second := rotate(t, m, id, first, 0, tokens("second"), newSecret)
	if ended, err := m.End(context.Background(), first.Key); err != nil || !slices.Equal(ended, []session.Key{second.Key}) {
		t.Fatalf("ended %x, %v", ended, err)
	}
	for _, s := range []*session.Session{first, second} {
		if _, err := m.Update(context.Background(), s, tokens("late")); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("update: %v", err)
		}
		if _, err := m.Rotate(context.Background(), []session.Secret{newSecret}, id, s, epoch, tokens("late")); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("rotate: %v", err)
		}
	}
	wantNone(t, m, id, 0, newSecret)
	if ended, err := m.End(context.Background(), first.Key); err != nil || len(ended) != 0 {
		t.Errorf("ended again: %x, %v", ended, err)
	}
}

// A session that was created with an older secret is found with it, and bound to the newest. A process that does not know
// the newest yet finds the session during the grace period.
func TestRebind(t *testing.T) {
	t.Parallel()
	m := newManager(t, session.NewMemory(0))
	both := []session.Secret{newSecret, oldSecret}
	id, _ := create(t, m, oldSecret)
	wantNone(t, m, id, 0, newSecret)
	found := find(t, m, id, 0, both...)
	if !found.Outdated || found.ID != id {
		t.Fatalf("%+v, want an outdated one", found)
	}
	rebound, err := m.Rebind(context.Background(), both, found, epoch, tokens("second"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := m.Rebind(context.Background(), both, found, epoch, func(next *session.Session) bool { return next.Key != rebound.Key }); err != nil || again != rebound {
		t.Errorf("by two at once: %+v, %v", again, err)
	}
	for name, secrets := range map[string][]session.Secret{"newest": {newSecret}, "both": both} {
		if got := find(t, m, id, 0, secrets...); got.ID != id || got.Outdated || got.Session != rebound {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := find(t, m, id, time.Minute, oldSecret); got.ID != "" || got.Session != rebound {
		t.Errorf("older secret only: %+v", got)
	}
	wantNone(t, m, id, session.Grace, oldSecret)

	next := rotate(t, m, id, rebound, time.Minute, tokens("third"), both...)
	if got := find(t, m, id, time.Minute, both...); got.Session != next || got.ID == id || got.Outdated {
		t.Errorf("rotated after that: %+v", got)
	}
	if got := find(t, m, id, time.Minute, oldSecret); got.ID != "" || got.Session != next {
		t.Errorf("rotated after that, older secret only: %+v", got)
	}
}

// A session that was rotated under the older secret is found under its former id after the secret has changed too.
func TestRotationThenRebind(t *testing.T) {
	t.Parallel()
	m := newManager(t, session.NewMemory(0))
	both := []session.Secret{newSecret, oldSecret}
	first, s := create(t, m, oldSecret)
	s = rotate(t, m, first, s, 0, tokens("second"), oldSecret)
	second := session.CurrentID([]session.Secret{oldSecret}, first, s)
	found := find(t, m, first, 0, both...)
	if found.ID != second || !found.Outdated {
		t.Fatalf("%+v, want the second id, outdated", found)
	}
	if _, err := m.Rebind(context.Background(), both, found, epoch, tokens("third")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []session.ID{first, second} {
		if got := find(t, m, id, 0, both...); got.ID != second || got.Outdated {
			t.Errorf("%+v, want the second id", got)
		}
	}
}

// A session whose key was made with an unknown secret is changed, but not rotated until later.
func TestRotationWithUnknownSecret(t *testing.T) {
	t.Parallel()
	m := newManager(t, session.NewMemory(0))
	id, s := create(t, m, newSecret)
	s = rotate(t, m, id, s, 0, tokens("second"), oldSecret)
	if !s.RotationDue || s.Grants[0].Login.RefreshToken != "second" {
		t.Errorf("%+v", s)
	}
	if got := find(t, m, id, 0, newSecret); got.ID != id || got.Session != s {
		t.Errorf("%+v", got)
	}
}

// The number of former keys is bounded, however often a session is rotated, and the latest ids stay valid.
func TestManyRotations(t *testing.T) {
	t.Parallel()
	m := newManager(t, session.NewMemory(0))
	id, s := create(t, m, newSecret)
	ids := []session.ID{id}
	for range 100 {
		s = rotate(t, m, id, s, 0, tokens("next"), newSecret)
		id = session.CurrentID([]session.Secret{newSecret}, id, s)
		ids = append(ids, id)
	}
	if len(s.Former) > 16 {
		t.Errorf("%d former keys", len(s.Former))
	}
	for _, former := range ids[len(ids)-10:] {
		if got := find(t, m, former, 0, newSecret); got.ID != id {
			t.Errorf("%+v, want the last id", got)
		}
	}
	wantNone(t, m, ids[0], 0, newSecret)
	s = rotate(t, m, id, s, time.Hour-time.Minute, tokens("next"), newSecret)
	if len(s.Former) != 1 {
		t.Errorf("%d former keys, want one: the time of the others has come", len(s.Former))
	}
}

// One manager at a time renews a session, and the next one gets its result.
func TestClaim(t *testing.T) {
	t.Parallel()
	store := session.NewMemory(0)
	a, b := newManager(t, store), newManager(t, store)
	id, s := create(t, a, newSecret)
	claim := func(m *session.Manager, after time.Duration) (string, bool) {
		t.Helper()
		got, ours, err := m.Claim(context.Background(), s.Key, epoch.Add(after))
		if err != nil {
			t.Fatal(err)
		}
		return got.Grants[0].Login.RefreshToken, ours
	}
	for i, tc := range []struct {
		m     *session.Manager
		after time.Duration
		ours  bool
	}{{a, 0, true}, {a, time.Second, true}, {b, 2 * time.Second, false}} {
		if refresh, ours := claim(tc.m, tc.after); ours != tc.ours || refresh != "first" {
			t.Errorf("claim %d: %v, %q", i, ours, refresh)
		}
	}
	rotate(t, a, id, s, 3*time.Second, tokens("second"), newSecret)
	if refresh, _ := claim(b, 4*time.Second); refresh != "second" {
		t.Errorf("the other has %q", refresh)
	}
	if _, ours := claim(b, time.Minute); !ours {
		t.Error("a claim lasts for ever")
	}
}

// If the source of randomness fails, the session is unchanged.
func TestRotationWithoutRandomness(t *testing.T) {
	t.Parallel()
	store := session.NewMemory(0)
	m, err := session.NewManager(store, strings.NewReader(strings.Repeat("x", 16+session.IDSize)))
	if err != nil {
		t.Fatal(err)
	}
	id, s := create(t, m, newSecret)
	if _, err := m.Rotate(context.Background(), []session.Secret{newSecret}, id, s, epoch, tokens("second")); err == nil {
		t.Error("rotated")
	}
	if got := find(t, m, id, 0, newSecret); got.Session != s {
		t.Errorf("%+v", got)
	}
}
