package sqlite

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sessiontest"
)

// pair is a session.Store of two on one file, asked in turn, as two processes behind one address are. Before each use
// the time passes after which the one has to know of the other.
type pair struct {
	stores [2]*Store
	calls  atomic.Int64
}

func (p *pair) next() *Store { return p.stores[p.calls.Add(1)%2] }

func (p *pair) Create(ctx context.Context, s *session.Session) error {
	p.catchUp()
	return p.next().Create(ctx, s)
}

func (p *pair) Replace(ctx context.Context, old, next *session.Session) (*session.Session, error) {
	p.catchUp()
	return p.next().Replace(ctx, old, next)
}

func (p *pair) Use(ctx context.Context, key session.Key, now time.Time) (*session.Session, error) {
	p.catchUp()
	return p.next().Use(ctx, key, now)
}

func (p *pair) Look(ctx context.Context, key session.Key, now time.Time) (*session.Session, error) {
	p.catchUp()
	return p.next().Look(ctx, key, now)
}

func (p *pair) Claim(ctx context.Context, key session.Key, owner session.Owner, now, until time.Time) (*session.Session, bool, error) {
	p.catchUp()
	return p.next().Claim(ctx, key, owner, now, until)
}

func (p *pair) Delete(ctx context.Context, key session.Key) ([]session.Key, error) {
	return p.next().Delete(ctx, key)
}

func (p *pair) DeleteTagged(ctx context.Context, tag string) ([]session.Key, error) {
	return p.next().DeleteTagged(ctx, tag)
}

func (p *pair) catchUp() {
	for _, s := range p.stores {
		all := s.cache.clear()
		for _, e := range all {
			s.cache.put(e, session.Key{}, s.cache.now())
		}
		s.dirty.add(all...)
		_ = s.flush(context.Background())
		s.followed.Store(math.MinInt64 / 2)
	}
}

func TestTwoStoresOnOneFile(t *testing.T) {
	t.Parallel()
	sessiontest.Run(t, func(t *testing.T) session.Store {
		path := newPath(t)
		return &pair{stores: [2]*Store{open(t, path), open(t, path)}}
	})
}

// two returns two stores on one file that both have session 1 in memory.
func two(t *testing.T) (a, b *Store, p *session.Session) {
	t.Helper()
	path := newPath(t)
	a, b, p = open(t, path), open(t, path), newSession(1)
	put(t, a, p)
	use(t, a, p.Key, 0)
	use(t, b, p.Key, 0)
	return a, b, p
}

// Security class 9: what one process ends, another lets in for catchUpEvery at most.
func TestOthersEndingsAreSeen(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Store, *session.Session) error{
		"delete": func(s *Store, p *session.Session) error {
			_, err := s.Delete(context.Background(), p.Key)
			return err
		},
		"tagged": func(s *Store, p *session.Session) error {
			_, err := s.DeleteTagged(context.Background(), p.Tags[0])
			return err
		},
		"replaced": func(s *Store, p *session.Session) error {
			_, err := s.Replace(context.Background(), p, after(p, 2))
			return err
		},
		"made room": func(s *Store, _ *session.Session) error {
			s.limit = 0
			return s.clean(context.Background())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b, p := two(t)
			if err := end(a, p); err != nil {
				t.Fatal(err)
			}
			wantNone(t, a, p.Key, 0)
			wantNone(t, b, p.Key, catchUpEvery)
		})
	}
}

func TestOthersChangesAreSeen(t *testing.T) {
	t.Parallel()
	a, b, p := two(t)
	next := after(p, 1)
	next.Grants = []session.Grant{{Scope: "api"}}
	replace(t, a, p, next)
	for _, s := range []*Store{a, b} {
		if got := use(t, s, p.Key, catchUpEvery); got.Grant("api") == nil || got.Grant("main_app") != nil {
			t.Errorf("got %+v", got)
		}
	}
}

// A session that another process has rotated is found by its former key. Replace and Claim return its current state at
// once.
func TestOthersRotationsAreSeen(t *testing.T) {
	t.Parallel()
	a, b, p := two(t)
	next := rotated(p, 2)
	replace(t, a, p, next)
	now := epoch.Add(time.Second)
	if got, ours, err := b.Claim(context.Background(), p.Key, session.Owner{1}, now, now.Add(time.Minute)); err != nil || !ours || got.Key != next.Key {
		t.Errorf("claim: %+v, %v, %v", got, ours, err)
	}
	if got, err := b.Replace(context.Background(), p, rotated(p, 3)); err != nil || got.Key != next.Key {
		t.Errorf("replace: %+v, %v; want the other's", got, err)
	}
	for _, key := range []session.Key{p.Key, next.Key} {
		if got := use(t, b, key, 0); got.Key != next.Key { // although no time has passed
			t.Errorf("use: %+v", got)
		}
	}
	if ended, err := b.Delete(context.Background(), p.Key); err != nil || len(ended) != 1 || ended[0] != next.Key {
		t.Errorf("delete: %x, %v", ended, err)
	}
	wantNone(t, a, p.Key, catchUpEvery)
	wantNone(t, a, next.Key, catchUpEvery)
}

// A list of endings that was cut meanwhile leaves nothing in memory that may have ended.
func TestEndingsThatWereForgotten(t *testing.T) {
	t.Parallel()
	a, b, p := two(t)
	if _, err := a.Delete(context.Background(), p.Key); err != nil {
		t.Fatal(err)
	}
	a.now = func() time.Time { return epoch.Add(2 * remember) }
	if err := a.clean(context.Background()); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := a.read.QueryRow("SELECT count(*) FROM ended").Scan(&left); err != nil || left != 0 {
		t.Fatalf("%d endings left, %v", left, err)
	}
	wantNone(t, b, p.Key, catchUpEvery)

	put(t, a, newSession(2)) // and what comes after is seen as before
	use(t, b, newSession(2).Key, 2*catchUpEvery)
	if _, err := a.Delete(context.Background(), newSession(2).Key); err != nil {
		t.Fatal(err)
	}
	wantNone(t, b, newSession(2).Key, 3*catchUpEvery)
}

// A session that the other process goes on using does not end here.
func TestOthersUsesCount(t *testing.T) {
	t.Parallel()
	a, b, p := two(t)
	use(t, b, p.Key, 9*time.Minute)
	if err := b.flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	use(t, a, p.Key, 18*time.Minute)
	if err := a.flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	use(t, b, p.Key, 27*time.Minute)
	wantNone(t, a, p.Key, 50*time.Minute)
	wantNone(t, b, p.Key, 50*time.Minute)
}

// A use that is written late neither shortens another's nor brings a session back.
func TestLateWrites(t *testing.T) {
	t.Parallel()
	a, b, p := two(t)
	use(t, a, p.Key, 5*time.Minute)
	use(t, b, p.Key, 9*time.Minute)
	for _, s := range []*Store{b, a} {
		if err := s.flush(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	use(t, a, p.Key, 18*time.Minute)
	use(t, b, p.Key, 18*time.Minute)
	if _, err := a.Delete(context.Background(), p.Key); err != nil {
		t.Fatal(err)
	}
	if err := b.flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, b); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}

// What is read from the file while it ends stays ended, in whatever way it ends.
func TestReadingDoesNotBringBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(a, b *Store, p *session.Session) error{
		"delete": func(a, _ *Store, p *session.Session) error {
			_, err := a.Delete(context.Background(), p.Key)
			return err
		},
		"tagged": func(a, _ *Store, p *session.Session) error {
			_, err := a.DeleteTagged(context.Background(), p.Tags[1])
			return err
		},
		"other process": func(_, b *Store, p *session.Session) error {
			_, err := b.Delete(context.Background(), p.Key)
			return err
		},
		"new keys": func(a, _ *Store, _ *session.Session) error { a.SetKeys(testKeys("b")); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			a, b := open(t, path), open(t, path)
			for i := range 100 {
				a.SetKeys(testKeys("a"))
				p := newSession(i)
				put(t, a, p)
				a.cache.clear()
				var wg sync.WaitGroup
				for range 3 {
					wg.Go(func() {
						for range 3 {
							_, _ = a.Use(context.Background(), p.Key, epoch)
						}
					})
				}
				wg.Go(func() {
					if err := end(a, b, p); err != nil {
						t.Error(err)
					}
				})
				wg.Go(func() {
					_, _ = a.Use(context.Background(), p.Key, epoch.Add(time.Duration(i%2)*catchUpEvery))
				})
				wg.Wait()
				wantNone(t, a, p.Key, time.Second)
			}
		})
	}
}

// The first proposal of a setting counts for all processes and for good.
func TestSettingsAreShared(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	a, b := open(t, path), open(t, path)
	for i, tc := range []struct {
		store                *Store
		name, proposal, want string
	}{
		{a, "one", "first", "first"},
		{b, "one", "second", "first"},
		{b, "other", "second", "second"},
		{a, "other", "first", "second"},
		{a, "empty", "", ""},
		{b, "empty", "second", ""},
	} {
		if got, err := tc.store.Setting(context.Background(), tc.name, tc.proposal); got != tc.want || err != nil {
			t.Errorf("call %d: %q, %v; want %q", i, got, err, tc.want)
		}
	}
	crash(t, a)
	if got, err := open(t, path).Setting(context.Background(), "one", "third"); got != "first" || err != nil {
		t.Errorf("after a restart: %q, %v", got, err)
	}
}
