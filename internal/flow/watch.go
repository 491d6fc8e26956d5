package flow

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Job is one deployment to be watched.
type Job struct{ ProjectID, ID string }

// Look is what one look at a watched job found.
type Look struct {
	Status  string
	Log     string // lines of the log that matters in this status which were not there before; may be ""
	Source  string // "app" or "build-docker"
	Elapsed time.Duration
}

// Outcome is how far a deployment got that is watched no longer.
type Outcome struct {
	Status string // as last seen; "" where the platform did not tell
	URL    string // of the app, once it runs
}

// Watcher follows a job until it runs or fails. Failures that pass, such as a network that is away, end nothing before
// the time is over.
type Watcher struct {
	API interface {
		Project(ctx context.Context, id string) (*cloudapi.Project, error)
		Job(ctx context.Context, id string) (*cloudapi.Job, error)
		Logs(ctx context.Context, jobID string, since time.Time) (cloudapi.Logs, error)
	}
	Interval    time.Duration // between looks, counted from the first
	Timeout     time.Duration // after it comes one last look, unless the context is over too
	Incremental bool          // asks the platform only for lines that are new
	Seen        func(Look)    // hears of every look
	Trouble     func(error)   // hears of a failure that passes, once until the next success
	Known       bool          // the deployment is there: this run made it
	Gone        bool          // the host is known to be there no more, so nothing passes

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error

	began    time.Time // of the first request
	troubled bool
}

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

// Watch follows the job. A failed deployment is a failure.Deployment, one that takes longer than Timeout, or than ctx
// has time, a failure.TimedOut; where the deployment goes on all the same, the error says so and how to follow it.
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
		if j.Status == "" { // else the watch would go on until its time is over
			return false, failure.Failedf("the platform does not tell the status of job %s", job.ID)
		}
		out.Status = j.Status
		text, source := logs.Build, "build-docker"
		if showsApp(j.Status) {
			text, source = logs.App, "app"
		}
		if w.Incremental {
			since = later(since, text)
		}
		w.Seen(Look{Status: j.Status, Log: shown[source].Add(text), Source: source, Elapsed: w.Now().Sub(w.began)})
		switch j.Status {
		case "running":
			out.URL = j.Resources.Webservice
			return true, nil
		case "failed", "docker-failed":
			return true, failure.New(failure.Deployment, "Deployment failed (status %s)", j.Status).
				WithHint("run 'ploomber-cloud logs --job-id %s'", job.ID)
		}
		return false, nil
	})
	return out, w.goesOn(ctx, job, out, err)
}

// errLate says that the time of a watch is over.
var errLate = errors.New("timed out")

// insist looks again until look is done or fails for good, or the time is over.
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

// goesOn says of an end that is none of the deployment's how to follow it further.
func (w *Watcher) goesOn(ctx context.Context, job Job, out Outcome, err error) error {
	follow := "'ploomber-cloud watch --project-id " + job.ProjectID + " --job-id " + job.ID + "'"
	var over *failure.Error
	switch {
	case err == nil, errors.As(err, &over) && over.Code == failure.Deployment:
		return err
	case errors.Is(err, errLate), errors.Is(ctx.Err(), context.DeadlineExceeded):
		f := failure.New(failure.TimedOut, "the deployment is still %q after %s; it goes on", out.Status, w.Timeout)
		if w.troubled || out.Status == "" {
			f = failure.New(failure.TimedOut, "the platform cannot be reached, and the time of %s is over; the deployment goes on", w.Timeout)
		}
		return f.WithHint("follow it with %s", follow)
	case errors.Is(err, context.Canceled):
		return failure.New(failure.Interrupted, "stopped watching; the deployment goes on: follow it with %s", follow)
	case w.Gone, errors.Is(err, cloudapi.ErrNotFound) && out.Status == "" && !w.Known:
		return err // there may be no such deployment
	}
	return failure.Failedf("the deployment goes on, but cannot be followed: %w", err).
		WithHint("once that is settled, follow it with %s", follow)
}

// showsApp tells whether the app's own log says more than the build's in this status.
func showsApp(status string) bool {
	switch status {
	case "webservice-pending", "running", "stopped", "failed", "finished":
		return true
	}
	return false
}

// later returns the time of the newest line of log, by its first and last line, or since where neither
// begins with a later one.
func later(since time.Time, log string) time.Time {
	lines := strings.Split(strings.TrimRight(log, "\r\n"), "\n")
	for _, line := range []string{lines[0], lines[len(lines)-1]} {
		if at, ok := LineTime(line); ok && at.After(since) {
			since = at
		}
	}
	return since
}

// LineTime reads the ISO time that a line begins with, such as 2024-05-01T10:00:00.000. It is taken as UTC, as the
// platform takes what it is asked for; an offset from UTC is passed over.
func LineTime(line string) (time.Time, bool) {
	stamp, _, _ := strings.Cut(line, " ")
	stamp = strings.TrimSpace(stamp)
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04", "2006-01-02",
	} {
		if at, err := time.Parse(layout, stamp); err == nil {
			_, offset := at.Zone()
			return at.Add(time.Duration(offset) * time.Second).UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}
