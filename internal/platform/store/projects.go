package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const projectColumns = "id, owner, type, created, labels, sleep_after, coalesce(current, ''), stopped"

// neverSleeps is stored in place of a time after which an unused app sleeps.
const neverSleeps = -1

func scanProject(r row) (p platform.Project, err error) {
	var created, sleep int64
	var labels string
	if err := r.Scan(&p.ID, &p.Owner, &p.Type, &created, &labels, &sleep, &p.Current, &p.Stopped); err != nil {
		return platform.Project{}, err
	}
	p.Created = fromMicros(created)
	if sleep == neverSleeps {
		p.Sleep.Never = true
	} else {
		p.Sleep.After = time.Duration(sleep) * time.Microsecond
	}
	p.Labels, err = decodeList(labels)
	return p, err
}

// attempts is how many IDs are tried for a new project: with a million projects one in 40 is taken.
const attempts = 20

// CreateProject adds a project with an ID that is free. The error wraps platform.ErrLimit if owner has limit projects or more;
// 0 means no limit.
func (s *Store) CreateProject(ctx context.Context, owner platform.User, t platform.Framework, limit int) (p platform.Project, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var has int
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM projects WHERE owner = ?", owner.ID).Scan(&has); err != nil {
			return err
		}
		if limit > 0 && has >= limit {
			return fmt.Errorf("user %q has %d projects of %d: %w", owner.Name, has, limit, platform.ErrLimit)
		}
		p = platform.Project{Owner: owner.ID, Type: t, Created: fromMicros(micros(s.now()))}
		for range attempts {
			id, err := platform.NewProjectID(s.random)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, "INSERT INTO projects (id, owner, type, created) VALUES (?, ?, ?, ?)",
				id, p.Owner, string(p.Type), micros(p.Created))
			switch {
			case isDuplicate(err):
				continue
			case errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY):
				return notFound("user", owner.Name)
			}
			p.ID = id
			return err
		}
		return fmt.Errorf("name for a new project: %d of them %w", attempts, platform.ErrExists)
	})
	if err != nil {
		return platform.Project{}, err
	}
	return p, nil
}

// Project returns a project. The error wraps platform.ErrNotFound if there is none with this ID.
func (s *Store) Project(ctx context.Context, id string) (platform.Project, error) {
	p, err := scanProject(s.db.Read.QueryRowContext(ctx, "SELECT "+projectColumns+" FROM projects WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return platform.Project{}, notFound("project", id)
	}
	return p, s.failed(err)
}

// Projects returns the projects of a user, or of all with "", oldest first.
func (s *Store) Projects(ctx context.Context, ownerID string) ([]platform.Project, error) {
	query, args := "SELECT "+projectColumns+" FROM projects", []any(nil)
	if ownerID != "" {
		query, args = query+" WHERE owner = ?", []any{ownerID}
	}
	rows, err := s.db.Read.QueryContext(ctx, query+" ORDER BY created, id", args...)
	projects, err := collect(rows, err, scanProject)
	return projects, s.failed(err)
}

// SetLabels replaces the labels of a project.
func (s *Store) SetLabels(ctx context.Context, id string, labels []string) error {
	return s.setProject(ctx, id, "labels", encodeList(labels))
}

// SetSleep sets how long a project may be unused. Parts of a microsecond are cut off.
func (s *Store) SetSleep(ctx context.Context, id string, sleep platform.Sleep) error {
	after := sleep.After.Microseconds()
	switch {
	case sleep.Never:
		after = neverSleeps
	case after < 0:
		return fmt.Errorf("project %q: it cannot sleep after %v", id, sleep.After)
	}
	return s.setProject(ctx, id, "sleep_after", after)
}

// SetStopped records that the owner has stopped a project, or wants it to run again.
func (s *Store) SetStopped(ctx context.Context, id string, stopped bool) error {
	return s.setProject(ctx, id, "stopped", stopped)
}

// SetCurrent sets the deployment that users of a project get; "" for none. The error wraps platform.ErrNotFound if it does not
// belong to the project.
func (s *Store) SetCurrent(ctx context.Context, id, deploymentID string) error {
	err := s.setProject(ctx, id, "current", sql.NullString{String: deploymentID, Valid: deploymentID != ""})
	if errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY) {
		return notFound("deployment", deploymentID)
	}
	return err
}

func (s *Store) setProject(ctx context.Context, id, column string, value any) error {
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "UPDATE projects SET "+column+" = ? WHERE id = ?", value, id)
		return mustChange(result, err, "project", id)
	})
}

// DeleteProject removes a project with all of its deployments and their secrets.
func (s *Store) DeleteProject(ctx context.Context, id string) error {
	return s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, "DELETE FROM projects WHERE id = ?", id)
		return mustChange(result, err, "project", id)
	})
}

// encodeList and decodeList store a list of strings; an empty one is nil.
func encodeList(list []string) string {
	if len(list) == 0 {
		return "[]"
	}
	text, _ := json.Marshal(list) // never fails for strings
	return string(text)
}

func decodeList(text string) (list []string, err error) {
	if text == "[]" {
		return nil, nil
	}
	return list, json.Unmarshal([]byte(text), &list)
}
