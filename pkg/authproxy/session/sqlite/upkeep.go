package sqlite

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// queue holds entries whose time of last use has to be written.
type queue struct {
	limit int
	wake  chan struct{} // has one when there is something to write

	mu      sync.Mutex
	entries []*entry
}

func newQueue(limit int) queue { return queue{limit: limit, wake: make(chan struct{}, 1)} }

// add queues entries whose time of last use is newer than in the file. The queue is bounded: if the file cannot be written
// for long, further entries are dropped.
func (q *queue) add(entries ...*entry) {
	q.mu.Lock()
	for _, e := range entries {
		if len(q.entries) < q.limit && e.used.Load() > e.written.Load() && e.queued.CompareAndSwap(false, true) {
			q.entries = append(q.entries, e)
		}
	}
	some := len(q.entries) > 0
	q.mu.Unlock()
	if some {
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

func (q *queue) take() []*entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	entries := q.entries
	q.entries = nil
	for _, e := range entries {
		e.queued.Store(false) // what is used from here on is queued again
	}
	return entries
}

const (
	gather     = time.Second      // how long last uses are collected before they are written together
	pause      = 30 * time.Second // after a failure: another program has locked the file, or the disk is full
	cleanEvery = time.Minute
	// lateness is how long an expired session stays in the file, since another process may know of a later use.
	lateness = 2 * time.Minute
	// remember is how long the table of ended sessions goes back. A process that slept for longer clears its cache.
	remember = time.Hour
)

// run does the background work until Close.
func (s *Store) run() {
	clean := time.NewTicker(cleanEvery)
	defer clean.Stop()
	ctx, wait := context.Background(), gather
	for {
		select {
		case <-s.stop:
			return
		case <-clean.C:
			_ = s.retry(ctx) // what fails here is tried again, and told to those whose requests fail
			_ = s.clean(ctx)
		case <-s.dirty.wake:
			select {
			case <-s.stop:
				return
			case <-time.After(wait):
			}
			wait = gather
			if err := s.flush(ctx); err != nil {
				wait = pause
			}
		}
	}
}

// flush writes the queued times of last use.
func (s *Store) flush(ctx context.Context) error {
	entries := s.dirty.take()
	if len(entries) == 0 {
		return nil
	}
	used := make([]int64, len(entries))
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		update, err := tx.PrepareContext(ctx, "UPDATE sessions SET used = max(used, ?) WHERE key = ?")
		if err != nil {
			return err
		}
		defer func() { _ = update.Close() }()
		for i, e := range entries {
			used[i] = e.used.Load()
			at := e.session.Created.Add(time.Duration(used[i]))
			if _, err := update.ExecContext(ctx, at.UnixMicro(), e.session.Key[:]); err != nil {
				return err
			}
		}
		return nil
	}, func() {
		for i, e := range entries {
			e.written.Store(used[i])
		}
	})
	if err != nil {
		s.dirty.add(entries...)
	}
	return s.failed("note the use of", err)
}

// retry deletes from the file what could only be deleted in memory before.
func (s *Store) retry(ctx context.Context) error {
	if keys := s.cache.markedKeys(); len(keys) > 0 {
		_, err := s.end(ctx, keys...)
		return err
	}
	return nil
}

// clean deletes expired sessions and, beyond the limit of sessions, those that would expire next.
func (s *Store) clean(ctx context.Context) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	now := s.now()
	var ended []session.Key
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		expired, err := s.remove(ctx, tx, "ends <= ?", now.Add(-lateness).UnixMicro())
		if err != nil {
			return err
		}
		most, err := s.remove(ctx, tx, tooMany, s.limit)
		if err != nil {
			return err
		}
		ended = append(expired, most...)
		_, err = tx.ExecContext(ctx, "DELETE FROM ended WHERE at <= ?", now.Add(-remember).UnixMicro())
		return err
	}, func() { s.cache.deleted(ended...) })
}

const tooMany = "id IN (SELECT id FROM sessions ORDER BY ends LIMIT max(0, (SELECT count(*) FROM sessions) - ?))"
