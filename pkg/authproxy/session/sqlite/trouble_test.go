package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// lock lets another program hold the file, until the result is called.
func lock(t *testing.T, s *Store) (unlock func()) {
	t.Helper()
	if _, err := s.write.Exec("PRAGMA busy_timeout = 10"); err != nil {
		t.Fatal(err)
	}
	other, err := sql.Open("sqlite3", "file:"+s.path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("DELETE FROM ended"); err != nil {
		t.Fatal(err)
	}
	done := false
	unlock = func() {
		if !done {
			done = true
			if err := errors.Join(tx.Rollback(), other.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	t.Cleanup(unlock)
	return unlock
}

func TestLockedFile(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	ctx := context.Background()
	cached, read, deleted, tagged, replaced, expired := newSession(1), newSession(2), newSession(3), newSession(4), newSession(5), newSession(9)
	for _, p := range []*session.Session{cached, read, deleted, tagged, replaced, expired} {
		put(t, s, p)
	}
	s.cache.forget(s.cache.get(read.Key))
	unlock := lock(t, s)

	use(t, s, cached.Key, 0) // who reads does not wait
	use(t, s, read.Key, 0)
	fresh := newSession(6)
	if err := s.Create(ctx, fresh); err == nil || errors.Is(err, session.ErrNotFound) {
		t.Errorf("put: %v", err)
	}
	wantNone(t, s, fresh.Key, 0)
	if _, err := s.Replace(ctx, replaced, after(replaced, 7)); err == nil {
		t.Error("replaced, although nothing can be written")
	}
	use(t, s, replaced.Key, 0)
	wantNone(t, s, newSession(7).Key, 0)
	if _, err := s.Delete(ctx, deleted.Key); err == nil {
		t.Error("delete says that it worked")
	}
	wantNone(t, s, deleted.Key, 0) // all the same nobody gets in with it here
	if keys, err := s.DeleteTagged(ctx, "person 4"); err == nil || len(keys) != 1 {
		t.Errorf("tagged: %d keys, %v", len(keys), err)
	}
	wantNone(t, s, tagged.Key, 0)
	wantNone(t, s, expired.Key, time.Hour)
	wantNone(t, s, expired.Key, 0) // although the clock was set back
	if _, err := s.Replace(ctx, deleted, after(deleted, 8)); !errors.Is(err, session.ErrNotFound) && err == nil {
		t.Errorf("replaced what has ended: %v", err)
	}
	use(t, s, cached.Key, 5*time.Minute)
	if err := s.flush(ctx); err == nil {
		t.Error("the use was written")
	}

	unlock()
	if _, err := s.Replace(ctx, deleted, after(deleted, 8)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("replaced what has ended: %v", err)
	}
	if err := s.retry(ctx); err != nil {
		t.Fatal(err)
	}
	if n := rows(t, s); n != 3 {
		t.Errorf("%d rows, want 3: what ended is deleted as soon as that works", n)
	}
	if len(s.cache.marked) != 0 {
		t.Errorf("%d keys are kept in mind", len(s.cache.marked))
	}
	if err := s.flush(ctx); err != nil {
		t.Fatal(err)
	}
	crash(t, s)
	use(t, open(t, s.path), cached.Key, 14*time.Minute)
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	ctx := context.Background()
	put(t, s, newSession(0))
	if _, err := s.write.Exec("PRAGMA max_page_count = 1"); err != nil { // as many as there are
		t.Fatal(err)
	}
	var err error
	n := 1
	for ; n < 1000 && err == nil; n++ {
		err = s.Create(ctx, newSession(n))
	}
	if err == nil {
		t.Fatal("the disk is not full")
	}
	wantNone(t, s, newSession(n-1).Key, 0)
	use(t, s, newSession(0).Key, 0)
	if _, err := s.Delete(ctx, newSession(0).Key); err != nil {
		t.Logf("delete: %v", err)
	}
	wantNone(t, s, newSession(0).Key, 0)
}

// A client that disconnects while the file is locked is logged out all the same.
func TestCancelledRequest(t *testing.T) {
	t.Parallel()
	s := open(t, newPath(t))
	put(t, s, newSession(1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.turn <- struct{}{} // another change is in progress
	if _, err := s.Delete(ctx, newSession(1).Key); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v", err)
	}
	if err := s.Create(ctx, newSession(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v", err)
	}
	<-s.turn
	wantNone(t, s, newSession(1).Key, 0)
	wantNone(t, s, newSession(2).Key, 0)
	if err := s.retry(context.Background()); err != nil || rows(t, s) != 0 {
		t.Errorf("%d rows, %v", rows(t, s), err)
	}
}
