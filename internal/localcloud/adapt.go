package localcloud

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/archive"
	"github.com/ploomber/ploomber-cloud/internal/platform/dashboard"
	"github.com/ploomber/ploomber-cloud/internal/platform/httpapi"
	"github.com/ploomber/ploomber-cloud/internal/platform/logs"
	"github.com/ploomber/ploomber-cloud/internal/platform/scheduler"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
)

// api makes the HTTP API of the platform.
func (p *Platform) api(archives *archive.Folder) (*httpapi.API, error) {
	return httpapi.New(httpapi.Options{
		Users: p.store, Projects: p.store, Deployments: p.store, Archives: archives, Releases: p.scheduler, Apps: p.scheduler,
		Settings: settings{p.store, p.scheduler}, Logs: logReader{p.runner.logs}, Addresses: p,
		Base: cmp.Or(p.localAPI(), p.apiURL().String()), Hosts: []string{p.apiURL().Hostname()},
		Version: p.o.Version, AppsHost: p.appsURL().Host, Dashboard: p.dashboardURL().String(),
		SleepAfter: p.o.SleepAfter, OwnerKey: p.ownerKey, Now: p.o.Now, Log: p.o.Log,
	})
}

// AppURL is where users find a project.
func (p *Platform) AppURL(project string) string { return p.appURL(project).String() }

// DashboardURL is the page of a deployment, or of a project if deployment is "".
func (p *Platform) DashboardURL(project, deployment string) string {
	at := p.dashboardURL().String() + "/applications/" + project
	if deployment != "" {
		at += "/" + deployment
	}
	return at
}

// DataSize is the size of what the apps of a project keep, in bytes.
func (p *Platform) DataSize(project string) (int64, error) {
	return supervise.DiskUsage(p.folder.data(project))
}

// settings changes settings of projects in the store, and tells the scheduler.
type settings struct {
	*store.Store
	scheduler *scheduler.Scheduler
}

func (s settings) SetSleep(ctx context.Context, project string, sleep platform.Sleep) error {
	if err := s.Store.SetSleep(ctx, project, sleep); err != nil {
		return err
	}
	return s.scheduler.Reload(ctx, project)
}

// logReader reads logs for the API and the dashboard.
type logReader struct{ logs *logs.Logs }

func (r logReader) log(deployment string, kind httpapi.LogKind) *logs.Log {
	if kind == httpapi.BuildLog {
		return r.logs.Build(deployment)
	}
	return r.logs.App(deployment)
}

// Read returns the lines printed after since.
func (r logReader) Read(deployment string, kind httpapi.LogKind, since time.Time) ([]httpapi.Line, error) {
	lines, err := r.log(deployment, kind).Read(since, 0)
	read := make([]httpapi.Line, len(lines))
	for i, line := range lines {
		read[i] = httpapi.Line(line)
	}
	return read, err
}

// Watch sends the lines printed after since, and then each new one, until ctx ends.
func (r logReader) Watch(ctx context.Context, deployment string, kind httpapi.LogKind, since time.Time) <-chan httpapi.Line {
	sent := make(chan httpapi.Line)
	go func() {
		defer close(sent)
		for line := range r.log(deployment, kind).Watch(ctx, since) {
			select {
			case sent <- httpapi.Line(line):
			case <-ctx.Done():
			}
		}
	}()
	return sent
}

// dashboard makes the pages of the dashboard.
func (p *Platform) dashboard() (http.Handler, error) {
	return dashboard.New(dashboard.Options{
		Users: p.store, Projects: p.store, Deployments: p.store, Logs: logReader{p.runner.logs}, AppURL: p.AppURL,
		Hosts: []string{p.dashboardURL().Hostname()}, Secure: p.dashboardURL().Scheme == "https", Now: p.o.Now, Random: p.o.Random, Log: p.o.Log,
	})
}

// BuildLog returns the last lines of the log of a build.
func (r logReader) BuildLog(d platform.Deployment, last int) ([]string, error) {
	return tail(r.logs.Build(d.ID), last)
}

// AppLog returns the last lines of the log of an app.
func (r logReader) AppLog(d platform.Deployment, last int) ([]string, error) {
	return tail(r.logs.App(d.ID), last)
}

func tail(log *logs.Log, n int) ([]string, error) {
	lines, err := log.Tail(n)
	text := make([]string, len(lines))
	for i, line := range lines {
		text[i] = line.String()
	}
	return text, err
}
