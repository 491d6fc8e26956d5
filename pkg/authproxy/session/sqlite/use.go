package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

func (s *Store) Use(ctx context.Context, key session.Key, now time.Time) (*session.Session, error) {
	e, err := s.look(ctx, key, now)
	if err != nil {
		return nil, err
	}
	s.touch(e, now)
	return e.session, nil
}

func (s *Store) Look(ctx context.Context, key session.Key, now time.Time) (*session.Session, error) {
	e, err := s.look(ctx, key, now)
	if err != nil {
		return nil, err
	}
	return e.session, nil
}

func (s *Store) look(ctx context.Context, key session.Key, now time.Time) (*entry, error) {
	if err := s.catchUp(ctx, now); err != nil {
		return nil, s.failed("look for", err)
	}
	e := s.cache.get(key)
	if e == nil || !e.alive(now) {
		var err error
		if e, err = s.load(ctx, key, now, e); err != nil {
			return nil, s.failed("look for", err)
		}
	}
	return e, nil
}

func (s *Store) touch(e *entry, now time.Time) {
	s.cache.use(e, now)
	if time.Duration(e.used.Load()-e.written.Load()) >= e.behind() && !e.queued.Load() {
		s.dirty.add(e)
	}
}

// load reads a session from the file into the cache. stale is its cached entry, if that has expired: another process may
// have recorded a later use.
func (s *Store) load(ctx context.Context, key session.Key, now time.Time, stale *entry) (*entry, error) {
	if stale != nil {
		s.cache.forget(stale)
	}
	for range 100 { // again if a session has ended meanwhile, which may be this one
		epoch := s.cache.now()
		e, err := s.fetch(ctx, key)
		if err != nil {
			return nil, err
		}
		if s.cache.isDeleted(e.session) {
			return nil, session.ErrNotFound
		}
		e.usedAsWell(stale)
		e.usedAsWell(s.cache.get(e.session.Key)) // key is a former one, and the file behind
		switch {
		case !e.alive(now) && !s.expire(ctx, e.session.Key, now):
			continue
		case !e.alive(now), !e.session.Accepts(key, now):
			return nil, session.ErrNotFound
		}
		if shared, dropped, ok := s.cache.add(e, epoch); ok {
			s.dirty.add(dropped...)
			return shared, nil
		}
	}
	return nil, errors.New("too many sessions end at once")
}

// stored is a row of the file.
type stored struct {
	key    []byte
	used   int64
	sealed []byte
}

// fetch reads the session with a key or former key. One that cannot be decrypted is not found; its row is deleted when it
// would have expired.
func (s *Store) fetch(ctx context.Context, key session.Key) (*entry, error) {
	var found stored
	switch err := s.find.QueryRowContext(context.WithoutCancel(ctx), key[:]).Scan(&found.key, &found.used, &found.sealed); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, session.ErrNotFound
	case err != nil:
		return nil, err
	}
	return s.unseal(found)
}

func (s *Store) unseal(row stored) (*entry, error) {
	if len(row.key) != len(session.Key{}) {
		return nil, session.ErrNotFound
	}
	key := session.Key(row.key)
	plain, ok := s.ring.Load().open(key, row.sealed)
	if !ok {
		return nil, session.ErrNotFound
	}
	found, err := decode(key, plain)
	if err != nil {
		return nil, session.ErrNotFound
	}
	return newEntry(found, time.UnixMicro(row.used)), nil
}

// expire deletes an expired session, so that it does not come back when the clock is set back. It returns false if another
// process has used the session meanwhile.
func (s *Store) expire(ctx context.Context, key session.Key, now time.Time) bool {
	var ended []session.Key
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		ended, err = s.remove(ctx, tx, "key = ? AND ends <= ?", key[:], now.UnixMicro())
		return err
	}, func() { s.cache.deleted(ended...) })
	if err != nil {
		s.cache.markDeleted(key)
	}
	return err != nil || len(ended) > 0
}

// catchUpEvery is how long it may take to notice that another process has ended a session.
const catchUpEvery = 250 * time.Millisecond

// catchUp drops from the cache what other processes have ended or changed.
func (s *Store) catchUp(ctx context.Context, now time.Time) error {
	if s.upToDate(now) {
		return nil
	}
	s.follow.Lock()
	defer s.follow.Unlock()
	if s.upToDate(now) {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var latest int64
	if err := s.latest.QueryRowContext(ctx).Scan(&latest); err != nil {
		return err
	}
	if latest != s.seen {
		if err := s.endOthers(ctx, latest); err != nil {
			return err
		}
	}
	s.followed.Store(now.UnixMicro())
	return nil
}

func (s *Store) upToDate(now time.Time) bool {
	ago := now.UnixMicro() - s.followed.Load()
	return max(ago, -ago) < catchUpEvery.Microseconds()
}

// endOthers reads the table of ended sessions from the last row seen. If rows are missing, the whole cache is cleared.
func (s *Store) endOthers(ctx context.Context, latest int64) error {
	rows, err := s.read.QueryContext(ctx, "SELECT seq, key, by FROM ended WHERE seq > ? ORDER BY seq", s.seen)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	next, keys := s.seen, []session.Key{}
	for rows.Next() {
		var seq int64
		var key, by []byte
		if err := rows.Scan(&seq, &key, &by); err != nil {
			return err
		}
		if seq != next+1 {
			break
		}
		if next = seq; string(by) != string(s.self[:]) && len(key) == len(session.Key{}) {
			keys = append(keys, session.Key(key))
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if next < latest || latest < s.seen {
		s.dirty.add(s.cache.clear()...)
		s.seen = latest
		return nil
	}
	if len(keys) > 0 {
		s.cache.end(keys...)
	}
	s.seen = next
	return nil
}
