package sqlitefile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver" // named sqlite3
)

// Format is a kind of file.
type Format struct {
	Name        string // what a file is, for errors, such as "session store"
	Application uint32 // application ID in the header of the file (https://www.sqlite.org/fileformat.html, 1.3.15)

	// Schema has the migrations in *.sql files, which are applied in the order of their names. The user_version of a
	// file is the number of those that were applied to it.
	Schema fs.FS

	// Around, if set, is called in the transaction of the migrations of a file that lacks some. It has to call migrate, which
	// applies them. from is the version of the file, 0 if it is new.
	Around func(ctx context.Context, tx *sql.Tx, from int, migrate func() error) error
}

// Errors of Open and Check. The file is left unchanged.
var (
	ErrForeign = errors.New("is not of the expected format")
	ErrNewer   = errors.New("was written by a newer version of this program")
)

// errForeign is ErrForeign with the name of the format.
func (f Format) errForeign() error { return &foreignError{name: f.Name} }

type foreignError struct{ name string }

func (e *foreignError) Error() string     { return "is not a " + e.name }
func (e *foreignError) Is(err error) bool { return err == ErrForeign }

// DB is an open file. A transaction of Write takes the write lock when it begins, so that it never fails because of what it
// has read meanwhile; when it is committed it is on disk. Read has several connections, which no writer blocks.
type DB struct {
	Read, Write *sql.DB
}

const (
	busyTimeout = 5 * time.Second // how long a connection waits for another one to finish writing
	readers     = 4               // concurrent reads

	forWriting = "_pragma=synchronous(full)&_pragma=foreign_keys(1)&_txlock=immediate"
	forReading = "_pragma=query_only(1)"
)

// Open opens the file at path and creates it if it does not exist; its directory must exist. The file and those that SQLite
// creates beside it are accessible to the owner only; the mode of an existing file is tightened. The error may wrap ErrForeign
// or ErrNewer. The caller has to call Close.
func (f Format) Open(ctx context.Context, path string) (*DB, error) {
	path = filepath.Clean(path)
	if err := f.prepare(path); err != nil {
		return nil, err
	}
	db := &DB{}
	if err := f.open(ctx, path, db); err != nil {
		return nil, fmt.Errorf("open the %s %s: %w", f.Name, path, errors.Join(err, db.Close()))
	}
	return db, nil
}

func (f Format) open(ctx context.Context, path string, db *DB) (err error) {
	if db.Write, err = connect(path, forWriting); err != nil {
		return err
	}
	db.Write.SetMaxOpenConns(1)
	if err := f.migrate(ctx, db.Write); err != nil {
		return err
	}
	if db.Read, err = connect(path, forReading); err != nil {
		return err
	}
	db.Read.SetMaxOpenConns(readers)
	db.Read.SetMaxIdleConns(readers)
	// The files beside it exist from the first read on.
	if err := db.Read.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(new(int)); err != nil {
		return err
	}
	return f.inspectCompanions(path)
}

// Check reports why Open would fail for the existing file at path; nil if it would not. The content stays as it is: what
// Open would change of a file of an earlier version is done and rolled back.
func (f Format) Check(ctx context.Context, path string) error {
	path = filepath.Clean(path)
	if err := f.inspect(path, f.checkHeader); err != nil {
		return err
	}
	db, err := connect(path, forWriting)
	if err == nil {
		err = errors.Join(f.checkSchema(ctx, db), db.Close())
	}
	if err != nil {
		return fmt.Errorf("check the %s %s: %w", f.Name, path, err)
	}
	return nil
}

// Close closes all connections. The last process to do so merges the write-ahead log into the file.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.Read, db.Write} { // the last one merges the log
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// connect prepares to open an existing file.
func connect(path, more string) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" {
		slashed = "/" + slashed // file:/C:/folder
	}
	return sql.Open("sqlite3", fmt.Sprintf("file:%s?mode=rw&_pragma=busy_timeout(%d)&_pragma=trusted_schema(0)&%s",
		(&url.URL{Path: slashed}).EscapedPath(), busyTimeout.Milliseconds(), more))
}
