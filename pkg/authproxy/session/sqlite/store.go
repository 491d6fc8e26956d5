package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Store is a session.Store in a file. All methods are safe for concurrent use.
type Store struct {
	path        string
	now         func() time.Time
	ring        atomic.Pointer[keyring]
	read, write *sql.DB
	find        *sql.Stmt
	latest      *sql.Stmt

	turn  chan struct{} // held from the beginning of a change of the file until the cache agrees with it
	cache *cache
	dirty queue
	limit int // sessions in the file

	self      [8]byte // tells what this process has ended from what others have
	follow    sync.Mutex
	seen      int64        // number of the last ending that the cache knows of; guarded by follow
	followed  atomic.Int64 // when others' endings were last looked for, in microseconds
	stop      chan struct{}
	upkeep    sync.WaitGroup
	closing   sync.Once
	closingAs error
}

var _ session.Store = (*Store)(nil)

// What Open refuses. Such a file is left as it is.
var (
	ErrForeign = errors.New("is no file of sessions")
	ErrNewer   = errors.New("was written by a newer version of this program")
	ErrNoKey   = errors.New("sessions in a file need a key")
)

// Open opens the file of sessions at path, and makes it where there is none; its folder must exist. Content is sealed
// with the first of keys and opened with any; a session that none of them opens is not found. The file and what SQLite
// puts beside it are for the user alone; a file that others may read is tightened. now is the wall clock, which decides
// when a session from an earlier process ends. The error names the file; it wraps ErrForeign, ErrNewer or ErrNoKey
// where that is what is wrong. Close has to be called at the end.
func Open(ctx context.Context, path string, keys [][]byte, now func() time.Time) (*Store, error) {
	path = filepath.Clean(path)
	ring, err := newKeyring(keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := prepare(path); err != nil {
		return nil, err
	}
	s := &Store{
		path: path, now: now, turn: make(chan struct{}, 1), cache: newCache(cacheLimit), dirty: newQueue(cacheLimit),
		limit: session.DefaultLimit, stop: make(chan struct{}),
	}
	s.ring.Store(ring)
	if _, err := rand.Read(s.self[:]); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		_ = s.closeFiles()
		return nil, s.failed("open", err)
	}
	s.upkeep.Go(s.run)
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.write, err = openDB(s.path, "_synchronous=FULL&_foreign_keys=1&_txlock=immediate"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := migrate(ctx, s.write); err != nil {
		return err
	}
	if s.read, err = openDB(s.path, "_query_only=1"); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if s.find, err = s.read.PrepareContext(ctx, "SELECT key, used, sealed FROM sessions WHERE "+hasKey); err != nil {
		return err
	}
	if s.latest, err = s.read.PrepareContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'ended'"); err != nil {
		return err
	}
	return s.latest.QueryRowContext(ctx).Scan(&s.seen)
}

// readers is how many look things up at once. They wait for nobody who writes.
const readers = 4

// SetKeys replaces the keys. Sessions that none of the new ones opens are no longer found, from now on.
func (s *Store) SetKeys(keys [][]byte) {
	ring, err := newKeyring(keys)
	if err != nil {
		ring = &keyring{} // opens nothing and seals nothing
	}
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	s.ring.Store(ring)
	s.dirty.add(s.cache.clear()...)
}

// Setting returns a value that all processes which share the file agree on, such as what their cookies are called. The
// first one to ask decides: its proposal is kept for as long as the file.
func (s *Store) Setting(ctx context.Context, name, proposal string) (value string, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", name, proposal); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = ?", name).Scan(&value)
	}, func() {})
	return value, s.failed("agree on settings of", err)
}

// Close writes what has to be written and closes the file. Only the first call does something; all return the same.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		s.upkeep.Wait()
		s.dirty.add(s.cache.clear()...)
		s.closingAs = errors.Join(s.flush(context.Background()), s.closeFiles())
	})
	return s.closingAs
}

func (s *Store) closeFiles() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{s.find, s.latest} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	for _, db := range []*sql.DB{s.read, s.write} { // the last one tidies the log up
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// change runs work in a transaction. Only waiting for one's turn ends with ctx: what has begun is brought to its end,
// as half a logout helps nobody. What done does to the cache comes before anybody else's turn.
func (s *Store) change(ctx context.Context, work func(context.Context, *sql.Tx) error, done func()) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx = context.WithoutCancel(ctx)
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := work(ctx, tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	done()
	return nil
}

// failed names the file in an error that is about it.
func (s *Store) failed(doing string, err error) error {
	if err == nil || errors.Is(err, session.ErrNotFound) {
		return err
	}
	return fmt.Errorf("%s sessions in %s: %w", doing, s.path, err)
}
