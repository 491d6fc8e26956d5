package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const deploymentColumns = `id, project, number, created, type, author, message, archive, size, cpu, ram, gpu, template,
	variables, login, analytics, repeats, state, changed, lock, coalesce(problem, '')`

func scanDeployment(r row) (d platform.Deployment, err error) {
	var created, changed int64
	var variables, problem string
	if err := r.Scan(&d.ID, &d.Project, &d.Number, &created, &d.Type, &d.By, &d.Message, &d.Archive, &d.Size,
		&d.Resources.CPU, &d.Resources.RAM, &d.Resources.GPU, &d.Template, &variables, &d.Login, &d.Analytics, &d.Repeats,
		&d.State, &changed, &d.Lock, &problem); err != nil {
		return platform.Deployment{}, err
	}
	d.Created, d.Changed = fromMicros(created), fromMicros(changed)
	if d.Variables, err = decodeList(variables); err == nil && problem != "" {
		err = json.Unmarshal([]byte(problem), &d.Problem)
	}
	return d, err
}

// Submit adds a queued deployment to a project and gives it the next number. It also sets the project's labels, if there are
// any to set, and lets a project run again that its owner had stopped. Variables, Login and Analytics follow from the secrets.
//
// A submission whose Request was submitted before for the same project adds nothing: Submit returns the deployment that it
// led to, and repeated is true. The error wraps platform.ErrExists if that one has another archive, platform.ErrNotFound if
// there is no such project, or the deployment that it repeats was dropped meanwhile.
func (s *Store) Submit(ctx context.Context, sub platform.Submission) (d platform.Deployment, repeated bool, err error) {
	id, err := platform.NewDeploymentID(s.random)
	if err != nil {
		return platform.Deployment{}, false, err
	}
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if d, repeated, err = submitted(ctx, tx, sub); repeated || err != nil {
			return err
		}
		if err := checkRepeats(ctx, tx, sub); err != nil {
			return err
		}
		d, err = s.insertDeployment(ctx, tx, id, sub)
		return err
	})
	if err != nil {
		return platform.Deployment{}, false, err
	}
	return d, repeated, nil
}

// submitted finds the deployment that an earlier attempt of a request has made.
func submitted(ctx context.Context, tx *sql.Tx, sub platform.Submission) (d platform.Deployment, found bool, err error) {
	if sub.Request == "" {
		return d, false, nil
	}
	d, err = scanDeployment(tx.QueryRowContext(ctx,
		"SELECT "+deploymentColumns+" FROM deployments WHERE project = ? AND request = ?", sub.Project, sub.Request))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return d, false, nil
	case err != nil:
		return d, false, err
	case d.Archive != sub.Archive:
		return d, false, fmt.Errorf("deployment %d of this request, with other files, %w", d.Number, platform.ErrExists)
	}
	return d, true, nil
}

// checkRepeats makes sure that the deployment that a rollback repeats still exists, and with it its archive.
func checkRepeats(ctx context.Context, tx *sql.Tx, sub platform.Submission) error {
	if sub.Repeats == 0 {
		return nil
	}
	var found bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM deployments WHERE project = ? AND number = ?)", sub.Project, sub.Repeats).
		Scan(&found)
	if err == nil && !found {
		return fmt.Errorf("deployment %d of project %q: %w", sub.Repeats, sub.Project, platform.ErrNotFound)
	}
	return err
}

func (s *Store) insertDeployment(ctx context.Context, tx *sql.Tx, id string, sub platform.Submission) (platform.Deployment, error) {
	d := platform.Deployment{ID: id, Project: sub.Project, Release: sub.Release}
	d.Created = fromMicros(micros(s.now()))
	d.Status = platform.Status{State: platform.StateQueued, Changed: d.Created}
	d.Variables = nil
	for _, v := range sub.Secrets.Variables {
		d.Variables = append(d.Variables, v.Name)
	}
	d.Login, d.Analytics = sub.Secrets.Login != nil, sub.Secrets.Analytics != nil

	err := tx.QueryRowContext(ctx, `UPDATE projects SET deployments = deployments + 1, stopped = 0, labels = coalesce(?, labels)
		WHERE id = ? RETURNING deployments`, sql.NullString{String: encodeList(sub.Labels), Valid: sub.Labels != nil}, d.Project).
		Scan(&d.Number)
	if errors.Is(err, sql.ErrNoRows) {
		return d, notFound("project", d.Project)
	}
	if err != nil {
		return d, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO deployments (id, project, number, created, request, type, author, message, archive,
		size, cpu, ram, gpu, template, variables, login, analytics, repeats, state, changed, lock)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')`,
		d.ID, d.Project, d.Number, micros(d.Created), sql.NullString{String: sub.Request, Valid: sub.Request != ""},
		string(d.Type), d.By, d.Message, d.Archive, d.Size, d.Resources.CPU, d.Resources.RAM, d.Resources.GPU, d.Template,
		encodeList(d.Variables), d.Login, d.Analytics, d.Repeats, string(d.State), micros(d.Changed))
	if err != nil {
		return d, err
	}
	return d, s.insertSecrets(ctx, tx, d.ID, sub.Secrets)
}

// Deployment returns a deployment. The error wraps platform.ErrNotFound if there is none with this ID.
func (s *Store) Deployment(ctx context.Context, id string) (platform.Deployment, error) {
	d, err := scanDeployment(s.db.Read.QueryRowContext(ctx, "SELECT "+deploymentColumns+" FROM deployments WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return platform.Deployment{}, notFound("deployment", id)
	}
	return d, s.failed(err)
}

// Deployments returns the deployments of a project, newest first.
func (s *Store) Deployments(ctx context.Context, projectID string) ([]platform.Deployment, error) {
	return s.deployments(ctx, "project = ? ORDER BY number DESC", projectID)
}

// Latest returns the newest deployment of a project. The error wraps platform.ErrNotFound if there is none.
func (s *Store) Latest(ctx context.Context, projectID string) (platform.Deployment, error) {
	newest, err := s.deployments(ctx, "project = ? ORDER BY number DESC LIMIT 1", projectID)
	if err != nil {
		return platform.Deployment{}, err
	}
	if len(newest) == 0 {
		return platform.Deployment{}, notFound("deployment of project", projectID)
	}
	return newest[0], nil
}

// LatestOf returns the newest deployment of each project of a user, or of all with "", by the project's ID. Projects without one
// are left out.
func (s *Store) LatestOf(ctx context.Context, ownerID string) (map[string]platform.Deployment, error) {
	newest, err := s.deployments(ctx, `(project, number) IN
		(SELECT project, max(number) FROM deployments JOIN projects ON projects.id = project WHERE ?1 IN ('', owner) GROUP BY project)`, ownerID)
	if err != nil {
		return nil, err
	}
	of := make(map[string]platform.Deployment, len(newest))
	for _, d := range newest {
		of[d.Project] = d
	}
	return of, nil
}

func (s *Store) deployments(ctx context.Context, condition string, args ...any) ([]platform.Deployment, error) {
	rows, err := s.db.Read.QueryContext(ctx, "SELECT "+deploymentColumns+" FROM deployments WHERE "+condition, args...)
	deployments, err := collect(rows, err, scanDeployment)
	return deployments, s.failed(err)
}

// SetStatus moves a deployment to another state and returns it. Where status leaves them out, Changed becomes the present and
// Lock stays what it was. The error wraps platform.ErrState if the state machine does not allow the change, and
// platform.ErrNotFound if there is no such deployment.
func (s *Store) SetStatus(ctx context.Context, deploymentID string, status platform.Status) (d platform.Deployment, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err = scanDeployment(tx.QueryRowContext(ctx, "SELECT "+deploymentColumns+" FROM deployments WHERE id = ?", deploymentID))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return notFound("deployment", deploymentID)
		case err != nil:
			return err
		case !d.State.CanBecome(status.State):
			return fmt.Errorf("deployment %q is %s, to become %q is %w", deploymentID, d.State, status.State, platform.ErrState)
		}
		if status.Changed.IsZero() {
			status.Changed = s.now()
		}
		status.Changed = fromMicros(micros(status.Changed))
		if status.Lock == "" {
			status.Lock = d.Lock
		}
		d.Status = status
		problem, err := encodeProblem(status.Problem)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE deployments SET state = ?, changed = ?, lock = ?, problem = ? WHERE id = ?",
			string(d.State), micros(d.Changed), d.Lock, problem, d.ID)
		return err
	})
	if err != nil {
		return platform.Deployment{}, err
	}
	return d, nil
}

func encodeProblem(c platform.Cause) (sql.NullString, error) {
	if c.Reason == "" && c.Message == "" && c.Hint == "" && c.Output == nil {
		return sql.NullString{}, nil
	}
	text, err := json.Marshal(c)
	return sql.NullString{String: string(text), Valid: true}, err
}

// ended are the states in which a deployment has nothing to do and serves nobody.
const ended = "('" + string(platform.StateReplaced) + "', '" + string(platform.StateFailed) + "', '" + string(platform.StateStopped) + "')"

// DropOld removes deployments that nobody can use any more and returns them. Of each project it leaves the current one, all
// that are not replaced, failed or stopped, and the newest ones: keep that did not fail, to roll back to, and keep that did.
func (s *Store) DropOld(ctx context.Context, keep int) (dropped []platform.Deployment, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `DELETE FROM deployments WHERE state IN `+ended+`
			AND id NOT IN (SELECT current FROM projects WHERE current IS NOT NULL)
			AND id IN (SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY project, state = 'failed' ORDER BY number DESC) AS age
				FROM deployments) WHERE age > ?)
			RETURNING `+deploymentColumns, keep)
		dropped, err = collect(rows, err, scanDeployment)
		return err
	})
	if err != nil {
		return nil, err
	}
	return dropped, nil
}

// Archives returns the digests of the archives that deployments refer to.
func (s *Store) Archives(ctx context.Context) (map[string]bool, error) { return s.set(ctx, "archive") }

// Locks returns the digests of the resolved requirements that deployments refer to.
func (s *Store) Locks(ctx context.Context) (map[string]bool, error) { return s.set(ctx, "lock") }

// set returns the values of a column of deployments that are not empty.
func (s *Store) set(ctx context.Context, column string) (map[string]bool, error) {
	rows, err := s.db.Read.QueryContext(ctx, "SELECT DISTINCT "+column+" FROM deployments WHERE "+column+" <> ''")
	values, err := collect(rows, err, func(r row) (value string, err error) { return value, r.Scan(&value) })
	if err != nil {
		return nil, s.failed(err)
	}
	set := make(map[string]bool, len(values))
	for _, v := range values {
		set[v] = true
	}
	return set, nil
}
