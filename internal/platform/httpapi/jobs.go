package httpapi

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// The words of the hosted service for the state of a job. Its clients wait while they see another word than running,
// docker-failed and failed.
const (
	statusPending     = "pending"
	statusBuildFailed = "docker-failed"
	statusStarting    = "webservice-pending"
	statusRunning     = "running"
	statusFailed      = "failed"
	statusStopped     = "stopped"
	statusFinished    = "finished"
)

func statusOf(d platform.Deployment) string {
	switch d.State {
	case platform.StateQueued, platform.StateBuilding:
		return statusPending
	case platform.StateStarting:
		return statusStarting
	case platform.StateRunning, platform.StateFrozen, platform.StateAsleep, platform.StateDraining:
		return statusRunning
	case platform.StateReplaced:
		return statusFinished
	case platform.StateStopped:
		return statusStopped
	case platform.StateFailed:
		if d.Problem.Reason.AtBuild() {
			return statusBuildFailed
		}
		return statusFailed
	default:
		return statusPending
	}
}

// job is a job of the client's package with what the hosted service also sent.
type job struct {
	cloudapi.Job
	ProjectID string    `json:"project_id"`
	Created   time.Time `json:"created_at"`
}

func (a *API) jobOf(d platform.Deployment) job {
	return job{
		Job: cloudapi.Job{
			ID: d.ID, Status: statusOf(d), Condition: conditionOf(d),
			Resources:  cloudapi.JobResources{Webservice: a.Addresses.AppURL(d.Project)},
			StatusPage: a.Addresses.DashboardURL(d.Project, d.ID),
		},
		ProjectID: d.Project, Created: d.Created.UTC(),
	}
}

// conditionOf says how a deployment is doing, in the words that every part of the platform uses.
func conditionOf(d platform.Deployment) cloudapi.Condition {
	c := cloudapi.Condition{
		State: string(d.State), Reason: string(d.Problem.Reason), Problem: d.Problem.Message,
		Detail: list(d.Problem.Output), NextStep: d.Problem.Hint,
	}
	if c.Problem == "" && c.Reason != "" {
		c.Problem = d.Problem.Reason.String()
	}
	return c
}

func (a *API) getJob(w http.ResponseWriter, r *request) error {
	_, d, err := a.ownJob(r.Context(), r.user, r.PathValue("job"))
	if err != nil {
		return err
	}
	return a.reply(w, a.jobOf(d))
}

func (a *API) startService(w http.ResponseWriter, r *request) error {
	return a.service(w, r, a.Apps.Start)
}

func (a *API) stopService(w http.ResponseWriter, r *request) error {
	return a.service(w, r, a.Apps.Stop)
}

// service starts or stops the app of a project. Clients name the project's newest job, or the one that serves. An older job
// cannot run again; a rollback repeats it.
func (a *API) service(w http.ResponseWriter, r *request, change func(context.Context, string) error) error {
	p, d, err := a.ownJob(r.Context(), r.user, r.PathValue("job"))
	if err != nil {
		return err
	}
	newest, err := a.Deployments.Latest(r.Context(), p.ID)
	if err != nil {
		return err
	}
	if d.ID != newest.ID && d.ID != p.Current {
		return refuse(http.StatusConflict, "A newer deployment has replaced this one; its job is %s", newest.ID)
	}
	if err := change(r.Context(), p.ID); err != nil {
		return err
	}
	if d, err = a.Deployments.Deployment(r.Context(), d.ID); err != nil {
		return err
	}
	return a.reply(w, a.jobOf(d))
}

func (a *API) getLogs(w http.ResponseWriter, r *request) error {
	_, d, err := a.ownJob(r.Context(), r.user, r.PathValue("job"))
	if err != nil {
		return err
	}
	since, err := startTime(r.URL.Query()["start_time"])
	if err != nil {
		return err
	}
	logs := map[string]string{}
	for name, kind := range map[string]LogKind{"build-docker": BuildLog, "app": AppLog} {
		lines, err := a.Logs.Read(d.ID, kind, since)
		if err != nil {
			return err
		}
		logs[name] = text(lines)
	}
	return a.reply(w, map[string]map[string]string{"logs": logs})
}

// startTime reads the query of the same name: milliseconds since the Unix epoch. Lines of that time are sent, and Logs returns
// those after the result.
func startTime(values []string) (time.Time, error) {
	if len(values) == 0 || len(values) == 1 && values[0] == "" {
		return time.Time{}, nil
	}
	const most = 1<<53 - 1 // exact in every client
	ms, err := strconv.ParseInt(values[0], 10, 64)
	if err != nil || ms < 0 || ms > most || len(values) > 1 {
		return time.Time{}, invalid("start_time must be a number of milliseconds since 1970")
	}
	return time.UnixMilli(ms).Add(-time.Microsecond), nil
}

// text joins lines. The Python tool reads the time of the last line, so no line break may follow it.
func text(lines []Line) string {
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(line.String())
	}
	return b.String()
}

// String is the line as clients get it. All versions of Python can read the time, and start_time has the same precision.
func (l Line) String() string {
	return l.Time.UTC().Format("2006-01-02T15:04:05.000+00:00") + " " + l.Text
}

func (a *API) getFiles(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	d, found, err := a.latest(r.Context(), p.ID)
	if err != nil {
		return err
	}
	if !found {
		return refuse(http.StatusNotFound, "Project %s was never deployed, so it has no files", p.ID)
	}
	file, size, err := a.Archives.Open(d.Archive)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Content-Disposition", `attachment; filename="`+p.ID+`.zip"`)
	_, err = io.Copy(&steadyWriter{w, a}, file)
	if err != nil {
		a.Log.Debug("download ended early", "project", p.ID, "error", err)
	}
	return nil
}
