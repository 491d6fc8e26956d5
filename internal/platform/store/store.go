// Package store keeps the users, projects, deployments and secrets of the platform in one SQLite file. A change that a method
// has answered without an error survives a power failure.
//
// Several processes may have the file open: commands that manage users work while the platform serves. The package does not
// know what the platform does with the states that it stores; it only refuses those that the state machine does not allow.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/sqlitefile"
)

// Files in the data folder.
const (
	FileName    = "platform.db"
	KeyFileName = "secrets.key"
)

//go:embed schema/*.sql
var schema embed.FS

// format is that of the file.
func format() (sqlitefile.Format, error) {
	steps, err := fs.Sub(schema, "schema")
	return sqlitefile.Format{Name: "platform database", Application: 0x706c7064, Schema: steps}, err
}

// Options of a Store.
type Options struct {
	Dir    string           // the platform's data folder, which must exist
	Now    func() time.Time // wall clock
	Random io.Reader        // for IDs and keys; nil means crypto/rand
}

// Store is an open database. All methods are safe for concurrent use. Their errors wrap those of the package platform where
// they say so; a full disk is a *platform.Problem.
type Store struct {
	path    string // of the database
	keyFile string
	now     func() time.Time
	random  io.Reader
	db      *sqlitefile.DB
	ring    atomic.Pointer[keyring]
}

// Open opens the database of a data folder and its key file, and creates both in a folder that has neither. The error wraps
// ErrKey if the key file is missing or does not have the key of the database, sqlitefile.ErrNewer if a newer version of the
// program has written the database. The caller has to call Close.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Random == nil {
		o.Random = rand.Reader
	}
	s := &Store{
		path: filepath.Join(o.Dir, FileName), keyFile: filepath.Join(o.Dir, KeyFileName), now: o.Now, random: o.Random,
	}
	format, err := format()
	if err != nil {
		return nil, err
	}
	if s.db, err = format.Open(ctx, s.path); err != nil {
		return nil, s.failed(err)
	}
	if err := s.openKeys(ctx); err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// change runs work in a transaction that has the write lock from its beginning. ctx ends the wait for other changes of this
// process; a change that has begun is completed.
func (s *Store) change(ctx context.Context, work func(context.Context, *sql.Tx) error) error {
	conn, err := s.db.Write.Conn(ctx)
	if err != nil {
		return s.failed(err)
	}
	defer func() { _ = conn.Close() }() // returns it to the pool
	ctx = context.WithoutCancel(ctx)
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return s.failed(err)
	}
	if err := work(ctx, tx); err != nil {
		return errors.Join(s.failed(err), tx.Rollback())
	}
	return s.failed(tx.Commit())
}

// failed adds the name of the file to an error of SQLite, and the next step.
func (s *Store) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite3.FULL), errors.Is(err, sqlite3.IOERR) && s.isDiskFull():
		return &platform.Problem{
			Reason: platform.ReasonDisk, Msg: "the disk is full: cannot write " + s.path,
			Hint: "free some space and try again; nothing was changed", Err: err,
		}
	case errors.Is(err, sqlitefile.ErrNewer):
		return fmt.Errorf("%w; update ploomber-cloud, or restore the backup from before the update", err)
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		return fmt.Errorf("%s is damaged; restore it and %s from a backup: %w", s.path, filepath.Base(s.keyFile), err)
	case errors.Is(err, sqlite3.READONLY), errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, sqlite3.PERM):
		return fmt.Errorf("%s cannot be written; make sure that this user owns %s and may write to it: %w",
			s.path, filepath.Dir(s.path), err)
	case errors.Is(err, sqlite3.BUSY):
		return fmt.Errorf("another process is writing to %s; try again: %w", s.path, err)
	}
	var code sqlite3.ErrorCode
	if errors.As(err, &code) && !strings.Contains(err.Error(), s.path) {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return err
}

// isDiskFull tells a full disk from a broken one: the driver reports a failed write for both.
func (s *Store) isDiskFull() bool {
	const aFewPages = 64 << 10
	free, known := fsx.Free(filepath.Dir(s.path))
	return known && free < aFewPages
}

// isDuplicate reports whether a row was refused because another one has the same key.
func isDuplicate(err error) bool {
	return errors.Is(err, sqlite3.CONSTRAINT_UNIQUE) || errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY)
}

// notFound is the error for something that does not exist.
func notFound(what, name string) error {
	return fmt.Errorf("%s %q: %w", what, name, platform.ErrNotFound)
}

// mustChange returns ErrNotFound if a statement has changed no row.
func mustChange(result sql.Result, err error, what, name string) error {
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		return notFound(what, name)
	}
	return err
}

// collect reads all rows.
func collect[T any](rows *sql.Rows, err error, scan func(row) (T, error)) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// row is a *sql.Row or the current one of *sql.Rows.
type row interface{ Scan(dest ...any) error }

// micros is how times are stored.
func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
