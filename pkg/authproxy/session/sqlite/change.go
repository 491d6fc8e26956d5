package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

func (s *Store) Put(ctx context.Context, p *session.Session, replaces session.Key) error {
	var e *entry
	var epoch uint64
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		epoch, _ = s.cache.state(p.Key)
		used := p.Created
		if replaces != (session.Key{}) {
			var err error
			if used, err = s.take(ctx, tx, replaces); err != nil {
				return err
			}
		}
		e = newEntry(p, used)
		return s.insert(ctx, tx, e)
	}, func() { s.dirty.add(s.cache.put(e, replaces, epoch)...) })
	return s.failed("keep", err)
}

// Claim is asked once for each renewal, and by this process as often as it likes.
func (s *Store) Claim(ctx context.Context, key session.Key, now, until time.Time) (ours bool, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT INTO claims (key, by, until) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET by = excluded.by, until = excluded.until WHERE by = excluded.by OR until <= ?`,
			key[:], s.self[:], until.UnixMicro(), now.UnixMicro())
		if err != nil {
			return err
		}
		changed, err := result.RowsAffected()
		ours = changed == 1
		return err
	}, func() {})
	return ours, s.failed("claim", err)
}

// take takes a session out of the file, and says when it was last used.
func (s *Store) take(ctx context.Context, tx *sql.Tx, key session.Key) (used time.Time, err error) {
	if _, doomed := s.cache.state(key); doomed {
		return used, session.ErrNotFound
	}
	var micro int64
	var sealed []byte
	switch err := tx.QueryRowContext(ctx, "DELETE FROM sessions WHERE key = ? RETURNING used, sealed", key[:]).Scan(&micro, &sealed); {
	case errors.Is(err, sql.ErrNoRows):
		return used, session.ErrNotFound
	case err != nil:
		return used, err
	}
	old, err := s.unseal(key, micro, sealed)
	if err != nil {
		return used, err
	}
	used = old.lastUse()
	if cached := s.cache.get(key); cached != nil && cached.lastUse().After(used) {
		used = cached.lastUse()
	}
	return used, s.announce(ctx, tx, key)
}

func (s *Store) insert(ctx context.Context, tx *sql.Tx, e *entry) error {
	p, ring := e.session, s.ring.Load()
	content, err := encode(p)
	if err != nil {
		return err
	}
	sealed, err := ring.seal(p.Key, content)
	if err != nil {
		return err
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO sessions (key, used, idle, expires, sealed) VALUES (?, ?, ?, ?, ?)",
		p.Key[:], e.lastUse().UnixMicro(), p.Idle.Microseconds(), p.Expires.UnixMicro(), sealed)
	if err != nil {
		return err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	for _, tag := range p.Tags {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO tags (tag, session) VALUES (?, ?)", ring.hide(tag)[0], id); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes the sessions that a condition is true of, and returns their keys.
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

func (s *Store) Delete(ctx context.Context, key session.Key) error {
	return s.failed("end", s.end(ctx, key))
}

// end ends sessions. Where the file cannot be changed they end in this process at least, and the file is tried again.
func (s *Store) end(ctx context.Context, keys ...session.Key) error {
	err := s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, key := range keys {
			if _, err := s.remove(ctx, tx, "key = ?", key[:]); err != nil {
				return err
			}
		}
		return nil
	}, func() { s.cache.gone(keys...) })
	if err != nil {
		s.cache.doom(keys...)
	}
	return err
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
	}, func() { s.cache.gone(keys...) })
	if err != nil {
		keys = s.tagged(ctx, hidden)
		s.cache.doom(keys...)
	}
	return keys, s.failed("end", err)
}

// tagged looks for sessions with a tag; what cannot be read is left out.
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
