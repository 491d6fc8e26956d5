package flow

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Job is a deployment to watch.
type Job struct{ ProjectID, ID string }

// Look is the result of one poll.
type Look struct {
	Status  string
	Log     string // new lines of the log that matters in this status; may be ""
	Source  string // "app" or "build-docker"
	Elapsed time.Duration

	StatusPage string // on the dashboard; "" where the platform does not say
}

// Outcome is the final state of a watched deployment.
type Outcome struct {
	Status     string // last status seen; "" if unknown
	URL        string // of the app, once it runs
	StatusPage string // on the dashboard; "" where the platform does not say
	cloudapi.Condition
	Unseen []string // lines of Detail that were in no log that Seen has got
}

// Watcher follows a job until it runs or fails. Temporary failures, such as a lost network, are retried until the
// time limit.
type Watcher struct {
	API interface {
		Project(ctx context.Context, id string) (*cloudapi.Project, error)
		Job(ctx context.Context, id string) (*cloudapi.Job, error)
		Logs(ctx context.Context, jobID string, since time.Time) (cloudapi.Logs, error)
	}
	Interval    time.Duration // between polls, counted from the first; see ownInterval
	Timeout     time.Duration // time limit, followed by one last poll unless the context has ended too
	Incremental bool          // fetches only new lines from the platform
	Seen        func(Look)    // called after every poll
	Trouble     func(error)   // called on a temporary failure, once until the next success
	Known       bool          // the deployment is known to exist: this run created it
	Gone        bool          // the host is known to be gone, so no failure is temporary

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error

	began    time.Time // of the first request
	troubled bool
}

// The reference tool asks every 15 seconds, as the hosted service wanted it. A platform of one's own, which can be told by
// what it says about a job, is asked every second unless the user has chosen another interval.
const (
	hostedInterval = 15 * time.Second
	ownInterval    = time.Second
)

// DefaultTimeout is how long the reference tool follows a deployment.
const DefaultTimeout = 15 * time.Minute

// Newest returns the id of the project's newest deployment.
func (w *Watcher) Newest(ctx context.Context, projectID string) (id string, err error) {
	err = w.insist(ctx, func() (bool, error) {
		id, err = LatestJob(ctx, w.API, projectID)
		return true, err
	})
	switch {
	case errors.Is(err, errLate) && ctx.Err() == nil, errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "", failure.New(failure.TimedOut, "the newest deployment of the project %s could not be found within %s", projectID, w.Timeout)
	case err != nil:
		return "", err
	}
	return id, nil
}

// Watch follows the job. A failed deployment is a failure.Deployment, exceeding Timeout or the deadline of ctx a
// failure.TimedOut; if the deployment continues anyway, the error says so and how to follow it.
func (w *Watcher) Watch(ctx context.Context, job Job) (Outcome, error) {
	var out Outcome
	var since time.Time
	shown := map[string]*Transcript{"app": {}, "build-docker": {}} // by source
	err := w.insist(ctx, func() (bool, error) {
		j, err := w.API.Job(ctx, job.ID)
		if err != nil {
			return false, err
		}
		logs, err := w.API.Logs(ctx, job.ID, since)
		if err != nil {
			return false, err
		}
		if j.Status == "" { // otherwise the watch would continue until its time limit
			return false, failure.Failedf("the platform does not return the status of job %s", job.ID)
		}
		out.Status, out.Condition, out.StatusPage = j.Status, j.Condition, j.StatusPage
		if j.State != "" && w.Interval == hostedInterval {
			w.Interval = ownInterval
		}
		text, source := logs.Build, "build-docker"
		if showsApp(j.Status) {
			text, source = logs.App, "app"
		}
		if w.Incremental {
			since = later(since, text)
		}
		w.Seen(Look{Status: j.Status, Log: shown[source].Add(text), Source: source, Elapsed: w.Now().Sub(w.began), StatusPage: j.StatusPage})
		out.Unseen = slices.DeleteFunc(slices.Clone(j.Detail), func(line string) bool {
			return strings.Contains(shown["app"].shown, line) || strings.Contains(shown["build-docker"].shown, line)
		})
		switch j.Status {
		case "running":
			out.URL = j.Resources.Webservice
			return true, nil
		case "failed", "docker-failed":
			return true, failed(job.ID, j)
		}
		return false, nil
	})
	return out, w.goesOn(ctx, job, out, err)
}

// failed is the error for a deployment that failed.
func failed(id string, j *cloudapi.Job) error {
	message := "Deployment failed (status " + j.Status + ")"
	if why := j.Why(); why != "" {
		message += ": " + why
	}
	f := failure.New(failure.Deployment, "%s", message)
	if j.NextStep != "" {
		return f.WithHint("%s", j.NextStep)
	}
	return f.WithHint("run 'ploomber-cloud logs --job-id %s'", id)
}

// errLate means that the time limit of a watch was reached.
var errLate = errors.New("timed out")

// insist polls until look is done or fails permanently, or the time limit is reached.
func (w *Watcher) insist(ctx context.Context, look func() (done bool, err error)) error {
	if w.began.IsZero() {
		w.began = w.Now()
	}
	for {
		done, err := look()
		var told *cloudapi.Error
		switch {
		case err == nil && done:
			return nil
		case err == nil:
			w.troubled = false
		case w.Gone || ctx.Err() != nil || !errors.As(err, &told) || !told.Passing():
			return err
		case !w.troubled:
			w.troubled = true
			w.Trouble(err)
		}
		elapsed := w.Now().Sub(w.began)
		if elapsed >= w.Timeout {
			return errors.Join(errLate, err)
		}
		if err := w.Sleep(ctx, min(w.Interval-elapsed%w.Interval, w.Timeout-elapsed)); err != nil {
			return err
		}
	}
}

// goesOn adds to an end that is not the deployment's how to follow it further.
func (w *Watcher) goesOn(ctx context.Context, job Job, out Outcome, err error) error {
	follow := "'ploomber-cloud watch --project-id " + job.ProjectID + " --job-id " + job.ID + "'"
	var over *failure.Error
	switch {
	case err == nil, errors.As(err, &over) && over.Code == failure.Deployment:
		return err
	case errors.Is(err, errLate), errors.Is(ctx.Err(), context.DeadlineExceeded):
		f := failure.New(failure.TimedOut, "the deployment is still %q after %s; it continues", out.Status, w.Timeout)
		if w.troubled || out.Status == "" {
			f = failure.New(failure.TimedOut, "the platform cannot be reached, and the time limit of %s has passed; the deployment continues", w.Timeout)
		}
		return f.WithHint("follow it with %s", follow)
	case errors.Is(err, context.Canceled):
		return failure.New(failure.Interrupted, "stopped watching; the deployment continues: follow it with %s", follow)
	case w.Gone, errors.Is(err, cloudapi.ErrNotFound) && out.Status == "" && !w.Known:
		return err // the deployment may not exist
	}
	return failure.Failedf("the deployment continues, but cannot be followed: %w", err).
		WithHint("when this is resolved, follow it with %s", follow)
}

// showsApp reports whether the app's own log is more useful than the build log in this status.
func showsApp(status string) bool {
	switch status {
	case "webservice-pending", "running", "stopped", "failed", "finished":
		return true
	}
	return false
}

// later returns the time of the newest line of log, taken from its first and last line, or since if neither has a
// later one.
func later(since time.Time, log string) time.Time {
	lines := strings.Split(strings.TrimRight(log, "\r\n"), "\n")
	for _, line := range []string{lines[0], lines[len(lines)-1]} {
		if at, ok := LineTime(line); ok && at.After(since) {
			since = at
		}
	}
	return since
}

// LineTime parses the ISO timestamp at the start of a line, such as 2024-05-01T10:00:00.000. It is interpreted as
// UTC, like by the platform; an offset is ignored.
func LineTime(line string) (time.Time, bool) {
	timestamp, _, _ := strings.Cut(line, " ")
	timestamp = strings.TrimSpace(timestamp)
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04", "2006-01-02",
	} {
		if at, err := time.Parse(layout, timestamp); err == nil {
			_, offset := at.Zone()
			return at.Add(time.Duration(offset) * time.Second).UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}
