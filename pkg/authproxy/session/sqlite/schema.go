package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

//go:embed schema/*.sql
var schema embed.FS

// steps returns the schema migrations in order, one file each. The user_version of a store is the number applied to it.
func steps() ([]string, error) {
	names, err := fs.Glob(schema, "schema/*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var list []string
	for _, name := range names {
		text, err := schema.ReadFile(name)
		if err != nil {
			return nil, err
		}
		list = append(list, string(text))
	}
	return list, nil
}

// migrate applies the missing migrations. The first one is applied before the switch to a write-ahead log, in one
// transaction with the application id: a process that is killed here leaves an empty file or a complete one. lost is the
// number of sessions that the migrations deleted.
func migrate(ctx context.Context, db *sql.DB) (lost int, err error) {
	list, err := steps()
	if err != nil {
		return 0, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	if lost, err = migrateIn(ctx, tx, list); err != nil {
		return 0, errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	return lost, switchToLog(ctx, db)
}

// checkSchema tries a migration and undoes it.
func checkSchema(ctx context.Context, db *sql.DB) error {
	list, err := steps()
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	_, err = migrateIn(ctx, tx, list)
	return errors.Join(err, tx.Rollback())
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

func migrateIn(ctx context.Context, tx *sql.Tx, list []string) (lost int, err error) {
	var version, tables, before, after int
	err = tx.QueryRowContext(ctx, "SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").
		Scan(&version, &tables)
	switch {
	case err != nil:
		return 0, err
	case version > len(list):
		return 0, ErrNewer
	case version == len(list):
		return 0, nil
	case version < 0 || version == 0 && tables > 0:
		return 0, ErrForeign
	}
	const count = "SELECT count(*) FROM sessions"
	if version > 0 {
		if err := tx.QueryRowContext(ctx, count).Scan(&before); err != nil {
			return 0, err
		}
	}
	for _, step := range list[version:] {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return 0, err
		}
	}
	if err := tx.QueryRowContext(ctx, count).Scan(&after); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d; PRAGMA application_id = %d", len(list), applicationID))
	return before - after, err
}
