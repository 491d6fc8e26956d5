package sqlitefile_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/ploomber/ploomber-cloud/pkg/sqlitefile"
)

// notes is a format with some migrations.
func notes(steps ...string) sqlitefile.Format {
	schema := fstest.MapFS{"README": {Data: []byte("not a migration")}}
	for i, step := range steps {
		schema["000"+string(rune('1'+i))+".sql"] = &fstest.MapFile{Data: []byte(step)}
	}
	return sqlitefile.Format{Name: "notebook", Application: 0x6e6f7465, Schema: schema}
}

const (
	first  = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)"
	second = "ALTER TABLE notes ADD COLUMN author TEXT DEFAULT 'ann'; CREATE INDEX notes_author ON notes (author)"
	broken = "CREATE TABLE more (x); CREATE TABLE more (x)"
)

func open(t *testing.T, f sqlitefile.Format, path string) *sqlitefile.DB {
	t.Helper()
	db, err := f.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "notes #1?.db") }

func exec(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	old := open(t, notes(first), path)
	exec(t, old.Write, "INSERT INTO notes (text) VALUES ('hello')")
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := notes(first, second, broken).Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("a migration that fails: %v, want an error with the path", err)
	}
	f := notes(first, second) // not even the second one was applied
	var from []int
	f.Around = func(ctx context.Context, tx *sql.Tx, version int, migrate func() error) error {
		from = append(from, version)
		return migrate()
	}
	for range 2 {
		if err := f.Check(t.Context(), path); err != nil { // changes nothing
			t.Fatal(err)
		}
	}
	db := open(t, f, path)
	var text, author string
	if err := db.Read.QueryRowContext(t.Context(), "SELECT text, author FROM notes").Scan(&text, &author); err != nil || text != "hello" || author != "ann" {
		t.Errorf("%q by %q, %v", text, author, err)
	}
	if len(from) != 3 || from[2] != 1 {
		t.Errorf("migrated from %v, want three times from 1", from)
	}
	if _, err := notes(first).Open(t.Context(), path); !errors.Is(err, sqlitefile.ErrNewer) || !strings.Contains(err.Error(), path) {
		t.Errorf("opened by an older program: %v", err)
	}
	if err := notes(first).Check(t.Context(), path); !errors.Is(err, sqlitefile.ErrNewer) {
		t.Errorf("checked by an older program: %v", err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(path string) error{
		"text":          func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
		"folder":        func(path string) error { return os.Mkdir(path, 0o700) },
		"symbolic link": func(path string) error { return os.Symlink(path+"-target", path) },
		"another format": func(path string) error {
			other := notes(first)
			other.Application++
			db, err := other.Open(context.Background(), path)
			if err != nil {
				return err
			}
			return db.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := newPath(t)
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			_, err := notes(first).Open(t.Context(), path)
			if !errors.Is(err, sqlitefile.ErrForeign) || !strings.Contains(err.Error(), path+" is not a notebook") {
				t.Errorf("error %v", err)
			}
		})
	}
	missing := filepath.Join(t.TempDir(), "missing", "notes.db")
	if _, err := notes(first).Open(t.Context(), missing); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that does not exist: %v", err)
	}
}

func TestForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("it has no such modes")
	}
	path := newPath(t)
	open(t, notes(first), path)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%q: %v, %v", suffix, info, err)
		}
	}
}

// All of them may be the one that creates the file.
func TestOpenedAtOnce(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			db, err := notes(first, second).Open(t.Context(), path)
			if err == nil {
				_, err = db.Write.ExecContext(t.Context(), "INSERT INTO notes (text) VALUES ('x')")
				err = errors.Join(err, db.Close())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var n int
	if err := open(t, notes(first, second), path).Read.QueryRowContext(t.Context(), "SELECT count(*) FROM notes").Scan(&n); err != nil || n != 6 {
		t.Errorf("%d notes, %v; want 6", n, err)
	}
}

// A writer does not block readers, who see what is committed; a reader cannot write.
func TestReadersApart(t *testing.T) {
	t.Parallel()
	db := open(t, notes(first), newPath(t))
	tx, err := db.Write.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "INSERT INTO notes (text) VALUES ('x')"); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		if err := db.Read.QueryRowContext(t.Context(), "SELECT count(*) FROM notes").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	if n := count(); n != 0 {
		t.Errorf("%d notes before the commit", n)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != 1 {
		t.Errorf("%d notes after the commit", n)
	}
	if _, err := db.Read.ExecContext(t.Context(), "DELETE FROM notes"); err == nil {
		t.Error("a reader has written")
	}
}
