package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// steps returns the migrations in order.
func (f Format) steps() ([]string, error) {
	names, err := fs.Glob(f.Schema, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var list []string
	for _, name := range names {
		text, err := fs.ReadFile(f.Schema, name)
		if err != nil {
			return nil, err
		}
		list = append(list, string(text))
	}
	return list, nil
}

// migrate applies the missing migrations. The first one is applied before the switch to a write-ahead log, in one
// transaction with the application ID: a process that is killed here leaves an empty file or a complete one.
func (f Format) migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f.migrateIn(ctx, tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return switchToLog(ctx, db)
}

// checkSchema tries a migration and undoes it.
func (f Format) checkSchema(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return errors.Join(f.migrateIn(ctx, tx), tx.Rollback())
}

func (f Format) migrateIn(ctx context.Context, tx *sql.Tx) error {
	list, err := f.steps()
	if err != nil {
		return err
	}
	var version, tables int
	err = tx.QueryRowContext(ctx, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").
		Scan(&version, &tables)
	switch {
	case err != nil:
		return err
	case version > len(list):
		return ErrNewer
	case version == len(list):
		return nil
	case version < 0 || version == 0 && tables > 0:
		return f.errForeign()
	}
	apply := func() error {
		for _, step := range list[version:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		return nil
	}
	if f.Around != nil {
		err = f.Around(ctx, tx, version, apply)
	} else {
		err = apply()
	}
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(list), f.Application))
	return err
}

// switchToLog enables the write-ahead log. If another process does the same at this moment, SQLite fails without waiting
// for it (https://www.sqlite.org/wal.html, 9), so this is retried.
func switchToLog(ctx context.Context, db *sql.DB) error {
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		var mode string
		err := db.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		switch {
		case err == nil && mode != "wal":
			return fmt.Errorf("the file system allows no write-ahead log (but %s)", mode)
		case err == nil:
			return nil
		case !errors.Is(err, sqlite3.BUSY):
			return fmt.Errorf("switch to a write-ahead log: %w", err)
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return fmt.Errorf("switch to a write-ahead log: %w", err)
		}
	}
}
