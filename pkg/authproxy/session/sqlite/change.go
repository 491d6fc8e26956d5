package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

func (s *Store) Create(ctx context.Context, p *session.Session) error {
	e := newEntry(p, p.Created)
	var epoch uint64
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		epoch = s.cache.now()
		return s.insert(ctx, tx, e)
	}, func() { s.dirty.add(s.cache.put(e, session.Key{}, epoch)...) })
	return s.failed("keep", err)
}

// errOvertaken rolls back a change to a session that another change was faster with.
var errOvertaken = errors.New("the session has changed")

func (s *Store) Replace(ctx context.Context, old, next *session.Session) (*session.Session, error) {
	var stored, replaced *entry
	var epoch uint64
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		epoch = s.cache.now()
		var row int64
		if stored, row, err = s.current(ctx, tx, old.Key); err != nil {
			return err
		}
		if stored.session.Key != old.Key || stored.session.Version != old.Version {
			return errOvertaken
		}
		replaced = newEntry(next, stored.lastUse())
		if err := s.update(ctx, tx, row, replaced); err != nil {
			return err
		}
		return s.announce(ctx, tx, old.Key)
	}, func() { s.dirty.add(s.cache.put(replaced, old.Key, epoch)...) })
	switch {
	case errors.Is(err, errOvertaken):
		s.cache.end(old.Key) // the cached state is outdated
		return stored.session, nil
	case err != nil:
		return nil, s.failed("keep", err)
	}
	return next, nil
}

func (s *Store) Claim(ctx context.Context, key session.Key, owner session.Owner, now, until time.Time) (*session.Session, bool, error) {
	var stored *entry
	var ours bool
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var row int64
		var err error
		if stored, row, err = s.current(ctx, tx, key); err != nil {
			return err
		}
		if !stored.alive(now) || !stored.session.Accepts(key, now) {
			return session.ErrNotFound
		}
		result, err := tx.ExecContext(ctx, `UPDATE sessions SET claimed_by = ?1, claimed_until = ?2
			WHERE id = ?3 AND (claimed_by IS NULL OR claimed_by = ?1 OR claimed_until <= ?4)`,
			owner[:], until.UnixMicro(), row, now.UnixMicro())
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		ours = changed == 1
		return err
	}, func() {})
	if err != nil {
		return nil, false, s.failed("claim", err)
	}
	return stored.session, ours, nil
}

// current reads the session with a key or former key, including a later time of last use in the cache, and its row id.
func (s *Store) current(ctx context.Context, tx *sql.Tx, key session.Key) (e *entry, row int64, err error) {
	var found stored
	switch err := tx.QueryRowContext(ctx, "SELECT id, key, used, sealed FROM sessions WHERE "+hasKey, key[:]).
		Scan(&row, &found.key, &found.used, &found.sealed); {
	case errors.Is(err, sql.ErrNoRows):
		return nil, 0, session.ErrNotFound
	case err != nil:
		return nil, 0, err
	}
	if e, err = s.unseal(found); err != nil {
		return nil, 0, err
	}
	if s.cache.isDeleted(e.session) {
		return nil, 0, session.ErrNotFound
	}
	e.usedAsWell(s.cache.get(e.session.Key))
	return e, row, nil
}

func (s *Store) insert(ctx context.Context, tx *sql.Tx, e *entry) error {
	p := e.session
	sealed, err := s.seal(p)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO sessions (key, used, idle, expires, sealed) VALUES (?, ?, ?, ?, ?)",
		p.Key[:], e.lastUse().UnixMicro(), p.Idle.Microseconds(), p.Expires.UnixMicro(), sealed)
	if err != nil {
		return err
	}
	row, err := result.LastInsertId()
	if err != nil {
		return err
	}
	return s.insertIndex(ctx, tx, row, p)
}

func (s *Store) update(ctx context.Context, tx *sql.Tx, row int64, e *entry) error {
	p := e.session
	sealed, err := s.seal(p)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE sessions SET key = ?, used = ?, idle = ?, expires = ?, sealed = ? WHERE id = ?",
		p.Key[:], e.lastUse().UnixMicro(), p.Idle.Microseconds(), p.Expires.UnixMicro(), sealed, row); err != nil {
		return err
	}
	for _, table := range [...]string{"tags", "former_keys"} {
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE session = ?", row); err != nil {
			return err
		}
	}
	return s.insertIndex(ctx, tx, row, p)
}

func (s *Store) seal(p *session.Session) ([]byte, error) {
	content, err := encode(p)
	if err != nil {
		return nil, err
	}
	return s.ring.Load().seal(p.Key, content)
}

// insertIndex adds the tags and former keys of a session.
func (s *Store) insertIndex(ctx context.Context, tx *sql.Tx, row int64, p *session.Session) error {
	ring := s.ring.Load()
	for _, tag := range p.Tags {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO tags (tag, session) VALUES (?, ?)", ring.hide(tag)[0], row); err != nil {
			return err
		}
	}
	for i := range p.Former {
		if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO former_keys (key, session) VALUES (?, ?)", p.Former[i].Key[:], row); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the sessions that match a condition and returns their keys.
func (s *Store) remove(ctx context.Context, tx *sql.Tx, condition string, args ...any) ([]session.Key, error) {
	keys, err := keysOf(tx.QueryContext(ctx, "DELETE FROM sessions WHERE "+condition+" RETURNING key", args...))
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if err := s.announce(ctx, tx, key); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// announce tells other processes that a session has ended or changed.
func (s *Store) announce(ctx context.Context, tx *sql.Tx, key session.Key) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO ended (key, by, at) VALUES (?, ?, ?)", key[:], s.self[:], s.now().UnixMicro())
	return err
}

func (s *Store) Delete(ctx context.Context, key session.Key) ([]session.Key, error) {
	ended, err := s.end(ctx, key)
	return ended, s.failed("end", err)
}

// hasKey matches the session with a key or former key.
const hasKey = "id IN (SELECT id FROM sessions WHERE key = ?1 UNION ALL SELECT session FROM former_keys WHERE key = ?1)"

// end ends sessions and returns their keys. If the file cannot be changed they end in this process, and the deletion is
// retried later.
func (s *Store) end(ctx context.Context, keys ...session.Key) (ended []session.Key, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, key := range keys {
			some, err := s.remove(ctx, tx, hasKey, key[:])
			if err != nil {
				return err
			}
			ended = append(ended, some...)
		}
		return nil
	}, func() { s.cache.deleted(slices.Concat(keys, ended)...) })
	if err != nil {
		ended = nil
		for _, key := range keys {
			some, _ := keysOf(s.read.QueryContext(context.WithoutCancel(ctx), "SELECT key FROM sessions WHERE "+hasKey, key[:]))
			ended = append(ended, some...)
		}
		s.cache.markDeleted(slices.Concat(keys, ended)...)
	}
	return ended, err
}

const hasTag = "id IN (SELECT session FROM tags WHERE tag = ?)"

func (s *Store) DeleteTagged(ctx context.Context, tag string) ([]session.Key, error) {
	var keys []session.Key
	hidden := s.ring.Load().hide(tag)
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, h := range hidden {
			some, err := s.remove(ctx, tx, hasTag, h)
			if err != nil {
				return err
			}
			keys = append(keys, some...)
		}
		return nil
	}, func() { s.cache.deleted(keys...) })
	if err != nil {
		keys = s.tagged(ctx, hidden)
		s.cache.markDeleted(keys...)
	}
	return keys, s.failed("end", err)
}

// tagged returns the keys of sessions with a tag, as far as they can be read.
func (s *Store) tagged(ctx context.Context, hidden [][]byte) []session.Key {
	var keys []session.Key
	for _, h := range hidden {
		some, _ := keysOf(s.read.QueryContext(context.WithoutCancel(ctx),
			"SELECT key FROM sessions WHERE "+hasTag, h))
		keys = append(keys, some...)
	}
	return keys
}

func keysOf(rows *sql.Rows, err error) ([]session.Key, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var keys []session.Key
	for rows.Next() {
		var key []byte
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		if len(key) == len(session.Key{}) {
			keys = append(keys, session.Key(key))
		}
	}
	return keys, rows.Err()
}
