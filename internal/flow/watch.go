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
	Status string
	Log    string // lines of the log that matters in this status which were not there before; may be ""
	Source string // "app" or "build-docker"
}

// Watcher follows a job until it runs or fails.
type Watcher struct {
	API interface {
		Job(ctx context.Context, id string) (*cloudapi.Job, error)
		Logs(ctx context.Context, jobID string, since time.Time) (cloudapi.Logs, error)
	}
	Interval    time.Duration // between looks, counted from the first
	Timeout     time.Duration // after it comes one last look
	Incremental bool          // asks the platform only for lines that are new
	Seen        func(Look)    // hears of every look

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

// DefaultTimeout is how long the reference tool follows a deployment.
const DefaultTimeout = 15 * time.Minute

// Watch returns the address of the app once it runs. A failed deployment is a failure.Deployment, one that
// takes longer than Timeout a failure.TimedOut.
func (w *Watcher) Watch(ctx context.Context, job Job) (url string, err error) {
	started := w.Now()
	var since time.Time
	shown := map[string]string{} // by source
	for {
		j, err := w.API.Job(ctx, job.ID)
		if err != nil {
			return "", watching(err)
		}
		logs, err := w.API.Logs(ctx, job.ID, since)
		if err != nil {
			return "", watching(err)
		}
		if j.Status == "" { // else the watch would go on until its time is over
			return "", failure.Failedf("the platform does not tell the status of job %s", job.ID)
		}
		text, source := logs.Build, "build-docker"
		if showsApp(j.Status) {
			text, source = logs.App, "app"
		}
		fresh := text
		if w.Incremental {
			since = later(since, text)
		} else {
			fresh, shown[source] = Unseen(shown[source], text), text
		}
		w.Seen(Look{Status: j.Status, Log: fresh, Source: source})
		switch j.Status {
		case "running":
			return j.Resources.Webservice, nil
		case "failed", "docker-failed":
			return "", failure.New(failure.Deployment, "Deployment failed (status %s)", j.Status).
				WithHint("run 'ploomber-cloud logs --job-id %s'", job.ID)
		}
		elapsed := w.Now().Sub(started)
		if elapsed >= w.Timeout {
			return "", failure.New(failure.TimedOut, "the deployment is still %q after %s", j.Status, w.Timeout).
				WithHint("it goes on; follow it with 'ploomber-cloud watch --project-id %s'", job.ProjectID)
		}
		if err := w.Sleep(ctx, min(w.Interval-elapsed%w.Interval, w.Timeout-elapsed)); err != nil {
			return "", watching(err)
		}
	}
}

func watching(err error) error {
	if errors.Is(err, context.Canceled) {
		return failure.New(failure.Interrupted, "stopped watching; the deployment goes on")
	}
	return err
}

// showsApp tells whether the app's own log says more than the build's in this status.
func showsApp(status string) bool {
	switch status {
	case "webservice-pending", "running", "stopped", "failed", "finished":
		return true
	}
	return false
}

// Unseen returns what the log now has beyond what it was before, all of it where it is another one.
func Unseen(before, now string) string {
	if added, ok := strings.CutPrefix(now, before); ok {
		return strings.TrimPrefix(added, "\n")
	}
	return now
}

// later returns the time of the newest line of log, by its first and last line, or since where neither
// begins with a later one.
func later(since time.Time, log string) time.Time {
	lines := strings.Split(strings.TrimRight(log, "\r\n"), "\n")
	for _, line := range []string{lines[0], lines[len(lines)-1]} {
		if at, ok := lineTime(line); ok && at.After(since) {
			since = at
		}
	}
	return since
}

// lineTime reads the ISO time that a line begins with, such as 2024-05-01T10:00:00.000. It is taken as UTC, as the
// platform takes what it is asked for; an offset from UTC is passed over.
func lineTime(line string) (time.Time, bool) {
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
