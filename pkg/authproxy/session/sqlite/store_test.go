package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sessiontest"
	"github.com/ploomber/ploomber-cloud/pkg/leaktest"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimVariable); path != "" {
		if err := victim(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	leaktest.Main(m)
}

func TestStore(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(t *testing.T) session.Store { return open(t, newPath(t)) })
}

// epoch is when the sessions of these tests are made.
var epoch = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func newPath(t testing.TB) string { return filepath.Join(t.TempDir(), "sessions.db") }

func testKeys(names ...string) [][]byte {
	var keys [][]byte
	for _, name := range names {
		keys = append(keys, bytes.Repeat([]byte(name), 32))
	}
	return keys
}

func open(t testing.TB, path string, keys ...string) *Store {
	t.Helper()
	if len(keys) == 0 {
		keys = []string{"a"}
	}
	s, err := Open(context.Background(), path, testKeys(keys...), func() time.Time { return epoch })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// crash lets a store go without writing anything more.
func crash(t testing.TB, s *Store) {
	t.Helper()
	s.closing.Do(func() {
		close(s.stop)
		s.upkeep.Wait()
		if err := s.closeFiles(); err != nil {
			t.Error(err)
		}
	})
}

// newSession returns the same for the same number.
func newSession(n int) *session.Session {
	return &session.Session{
		Key: sha256.Sum256(fmt.Append(nil, n)), Tags: []string{"all", fmt.Sprint("person ", n)},
		Created: epoch, Idle: 10 * time.Minute, Expires: epoch.Add(time.Hour),
		Grants: []session.Grant{{Scope: "main_app", Identity: identity.Identity{Name: fmt.Sprint("ann ", n), Subject: "s"}}},
	}
}

func put(t testing.TB, s *Store, p *session.Session) {
	t.Helper()
	if err := s.Create(context.Background(), p); err != nil {
		t.Fatal(err)
	}
}

// after returns the next version of p with the key of session n and no former key.
func after(p *session.Session, n int) *session.Session {
	next := *p
	next.Version++
	next.Key = newSession(n).Key
	return &next
}

// rotated is after with the key of p as a former one, valid for two minutes.
func rotated(p *session.Session, n int) *session.Session {
	next := after(p, n)
	next.Former = append(slices.Clone(p.Former), session.Former{Key: p.Key, Nonce: [32]byte{1}, Until: epoch.Add(2 * time.Minute)})
	return next
}

func replace(t testing.TB, s *Store, old, next *session.Session) {
	t.Helper()
	if stored, err := s.Replace(context.Background(), old, next); err != nil || stored != next {
		t.Fatalf("replace: %+v, %v; want what was given", stored, err)
	}
}

func use(t testing.TB, s *Store, key session.Key, after time.Duration) *session.Session {
	t.Helper()
	p, err := s.Use(context.Background(), key, epoch.Add(after))
	if err != nil {
		t.Fatalf("use after %v: %v", after, err)
	}
	return p
}

func wantNone(t testing.TB, s *Store, key session.Key, after time.Duration) {
	t.Helper()
	if p, err := s.Use(context.Background(), key, epoch.Add(after)); !errors.Is(err, session.ErrNotFound) {
		t.Fatalf("use after %v: %v, %v; want ErrNotFound", after, p, err)
	}
}

// rows counts sessions in the file.
func rows(t testing.TB, s *Store) (n int) {
	t.Helper()
	if err := s.read.QueryRow("SELECT count(*) FROM sessions").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRestart(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := open(t, path)
	kept, ended, used := newSession(1), newSession(2), newSession(3)
	for _, p := range []*session.Session{kept, ended, used} {
		put(t, s, p)
	}
	use(t, s, used.Key, 30*time.Second) // too soon to be written, but for the end
	if _, err := s.Delete(context.Background(), ended.Key); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	s = open(t, path)
	if got := use(t, s, kept.Key, time.Minute); got.Grants[0].Identity.Name != "ann 1" || !got.Expires.Equal(kept.Expires) {
		t.Errorf("after a restart %+v", got)
	}
	wantNone(t, s, ended.Key, time.Minute)
	use(t, s, used.Key, 10*time.Minute) // idle time counts from the last use
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	wantNone(t, s, kept.Key, 11*time.Minute)
	wantNone(t, s, used.Key, time.Hour) // and the absolute lifetime from the login
}

func TestClosedStore(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	put(t, s, newSession(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	_, useErr := s.Use(ctx, newSession(1).Key, epoch)
	_, taggedErr := s.DeleteTagged(ctx, "all")
	_, deleteErr := s.Delete(ctx, newSession(1).Key)
	for name, err := range map[string]error{
		"use": useErr, "put": s.Create(ctx, newSession(2)), "delete": deleteErr, "tagged": taggedErr,
	} {
		if err == nil || errors.Is(err, session.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.SetKeys(testKeys("b"))
}

// What is known of the last use is behind by a minute or a tenth of the idle time, no more, when a process is killed.
func TestLastUseIsWrittenInTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		idle, used, ends time.Duration
	}{
		"minutes":       {10 * time.Minute, time.Minute, 11 * time.Minute},
		"seconds":       {100 * time.Second, 10 * time.Second, 110 * time.Second},
		"days":          {50 * time.Hour, time.Minute, 50*time.Hour + time.Minute},
		"not yet":       {10 * time.Minute, 59 * time.Second, 10 * time.Minute},
		"clock is back": {10 * time.Minute, -time.Hour, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			s := open(t, path)
			p := newSession(1)
			p.Idle, p.Expires = tc.idle, epoch.Add(100*time.Hour)
			put(t, s, p)
			use(t, s, p.Key, tc.used)
			if err := s.flush(context.Background()); err != nil { // as the upkeep does
				t.Fatal(err)
			}
			crash(t, s)
			s = open(t, path)
			use(t, s, p.Key, tc.ends-time.Microsecond)
			crash(t, s)
			wantNone(t, open(t, path), p.Key, tc.ends)
		})
	}
}

// The background work writes a use after a second.
func TestUpkeepWritesUses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, newPath(t))
		put(t, s, newSession(1))
		use(t, s, newSession(1).Key, 5*time.Minute)
		written := func() (used int64) {
			t.Helper()
			if err := s.read.QueryRow("SELECT used FROM sessions").Scan(&used); err != nil {
				t.Fatal(err)
			}
			return used
		}
		time.Sleep(gather - time.Nanosecond)
		synctest.Wait()
		if got := written(); got != epoch.UnixMicro() {
			t.Errorf("written at once: %d", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := written(); got != epoch.Add(5*time.Minute).UnixMicro() {
			t.Errorf("not written after %v: %d", gather, got)
		}
	})
}

func TestExpiredSessionsLeaveTheFile(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	unused, used, now := newSession(1), newSession(2), epoch
	s.now = func() time.Time { return now }
	put(t, s, unused)
	put(t, s, used)
	now = epoch.Add(9*time.Minute + 30*time.Second)
	use(t, s, used.Key, 9*time.Minute+30*time.Second)
	clean := func(want int) {
		t.Helper()
		if err := s.clean(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := rows(t, s); n != want {
			t.Fatalf("%d rows, want %d", n, want)
		}
	}
	now = epoch.Add(12*time.Minute - time.Second) // another process may know of a use that is not written yet
	clean(2)
	now = epoch.Add(12 * time.Minute)
	clean(1)
	use(t, s, used.Key, 12*time.Minute)
	wantNone(t, s, unused.Key, 0)
	wantNone(t, s, used.Key, time.Hour)
	if n := rows(t, s); n != 0 {
		t.Errorf("%d rows, want none: what was seen to have expired goes at once", n)
	}
	var tags int
	if err := s.read.QueryRow("SELECT count(*) FROM tags").Scan(&tags); err != nil || tags != 0 {
		t.Errorf("%d tags, %v", tags, err)
	}
}

// Security class 21: the file has a bound, and so has the memory.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	s.limit, s.cache = 20, newCache(8)
	for i := range 30 {
		p := newSession(i)
		p.Created = epoch.Add(time.Duration(i) * time.Second)
		put(t, s, p)
	}
	if n := s.cache.entries.Len(); n > 8 {
		t.Errorf("%d sessions in memory, want at most 8", n)
	}
	if err := s.clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s); n != 20 {
		t.Errorf("%d sessions in the file, want 20", n)
	}
	for i := range 30 {
		if i < 10 {
			wantNone(t, s, newSession(i).Key, time.Minute)
		} else {
			use(t, s, newSession(i).Key, time.Minute)
		}
	}
	if n := s.cache.entries.Len(); n > 8 {
		t.Errorf("%d sessions in memory, want at most 8", n)
	}
}

// An expired former key does not end a session whose last use is not in the file yet.
func TestFormerKeyWhileTheFileIsBehind(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	p := newSession(1)
	put(t, s, p)
	next := rotated(p, 2)
	replace(t, s, p, next)
	use(t, s, next.Key, 9*time.Minute)
	wantNone(t, s, p.Key, 18*time.Minute)
	use(t, s, next.Key, 18*time.Minute)
}
