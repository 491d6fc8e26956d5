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
	"github.com/ploomber/ploomber-cloud/pkg/sqlitefile"
)

// Store is a session.Store in a file. All methods are safe for concurrent use.
type Store struct {
	path        string
	now         func() time.Time
	ring        atomic.Pointer[keyring]
	read, write *sql.DB
	find        *sql.Stmt
	latest      *sql.Stmt

	turn  chan struct{} // held while the file is changed, until the cache is up to date
	cache *cache
	dirty queue
	limit int // sessions in the file
	lost  int // sessions that Open deleted

	self      [8]byte // identifies this process in the table of ended sessions
	follow    sync.Mutex
	seen      int64        // last row of the table of ended sessions that the cache reflects; guarded by follow
	followed  atomic.Int64 // when that table was last read, in microseconds
	stop      chan struct{}
	upkeep    sync.WaitGroup
	closing   sync.Once
	closingAs error
}

var _ session.Store = (*Store)(nil)

// Errors of Open. The file is left unchanged.
var (
	ErrForeign = sqlitefile.ErrForeign // it is not a session store
	ErrNewer   = sqlitefile.ErrNewer   // it was written by a newer version of this program
	ErrNoKey   = errors.New("a session store in a file requires a key")
)

// Open opens the session store at path and creates it if it does not exist; its directory must exist. Content is encrypted
// with the first of keys and decrypted with any of them; a session that none of them decrypts is not found. The file and
// those that SQLite creates beside it are accessible to the owner only; the mode of an existing file is tightened. now is
// the wall clock, which decides when sessions of earlier processes expire. The error names the file and may wrap
// ErrForeign, ErrNewer or ErrNoKey. The caller has to call Close.
func Open(ctx context.Context, path string, keys [][]byte, now func() time.Time) (*Store, error) {
	path = filepath.Clean(path)
	ring, err := newKeyring(keys)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
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
		return nil, err
	}
	s.upkeep.Go(s.run)
	return s, nil
}

// Check reports why Open would fail for the existing file at path; nil if it would not. It leaves the content as it is: what
// Open would change of a file of an earlier version is done and rolled back.
func Check(ctx context.Context, path string, keys [][]byte) error {
	path = filepath.Clean(path)
	if _, err := newKeyring(keys); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	format, err := format(nil)
	if err != nil {
		return err
	}
	return format.Check(ctx, path)
}

func (s *Store) open(ctx context.Context) error {
	format, err := format(&s.lost)
	if err != nil {
		return err
	}
	file, err := format.Open(ctx, s.path)
	if err != nil {
		return err
	}
	s.read, s.write = file.Read, file.Write
	if err := s.prepare(ctx); err != nil {
		return s.failed("open", err)
	}
	return nil
}

func (s *Store) prepare(ctx context.Context) (err error) {
	if s.find, err = s.read.PrepareContext(ctx, "SELECT key, used, sealed FROM sessions WHERE "+hasKey); err != nil {
		return err
	}
	if s.latest, err = s.read.PrepareContext(ctx, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'ended'"); err != nil {
		return err
	}
	return s.latest.QueryRowContext(ctx).Scan(&s.seen)
}

// Lost returns how many sessions Open deleted because an earlier version wrote them in a form that is not read any more.
func (s *Store) Lost() int { return s.lost }

// SetKeys replaces the keys. Sessions that none of the new ones decrypts are not found from now on.
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

// Setting returns a value on which all processes that share the file agree, such as the name of their cookie. The first
// process to ask decides: its proposal is stored for good.
func (s *Store) Setting(ctx context.Context, name, proposal string) (value string, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", name, proposal); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT value FROM settings WHERE name = ?", name).Scan(&value)
	}, func() {})
	return value, s.failed("agree on settings of", err)
}

// Close writes pending times of last use and closes the file. Further calls have no effect and return the same error.
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

// change runs work in a transaction, and then done, which updates the cache, before the next transaction starts. ctx ends
// only the wait for other transactions: once started, a logout is completed.
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

// failed adds the name of the file to an error.
func (s *Store) failed(doing string, err error) error {
	if err == nil || errors.Is(err, session.ErrNotFound) {
		return err
	}
	return fmt.Errorf("%s sessions in %s: %w", doing, s.path, err)
}
