package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	"github.com/ploomber/ploomber-cloud/pkg/sqlitefile"
)

// applicationID is in the header of our files and identifies them.
const applicationID = 0x706c7368

//go:embed schema/*.sql
var schema embed.FS

// format is that of a session store. lost, which may be nil, gets the number of sessions that the migrations of a file delete.
func format(lost *int) (sqlitefile.Format, error) {
	steps, err := fs.Sub(schema, "schema")
	f := sqlitefile.Format{Name: "session store", Application: applicationID, Schema: steps}
	if lost == nil {
		return f, err
	}
	f.Around = func(ctx context.Context, tx *sql.Tx, from int, migrate func() error) error {
		if from == 0 {
			return migrate()
		}
		const count = "SELECT count(*) FROM sessions"
		var before, after int
		if err := tx.QueryRowContext(ctx, count).Scan(&before); err != nil {
			return err
		}
		if err := migrate(); err != nil {
			return err
		}
		err := tx.QueryRowContext(ctx, count).Scan(&after)
		*lost = before - after
		return err
	}
	return f, err
}
