package httpapi

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/archive"
	"github.com/ploomber/ploomber-cloud/internal/platform/logs"
	"github.com/ploomber/ploomber-cloud/internal/platform/scheduler"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// assembled is an API over the platform's own store, archives, logs and scheduler. Only what runs apps is not real.
type assembled struct {
	store *store.Store
	logs  *logs.Logs
	base  string
}

func assemble(t *testing.T) *assembled {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	archives, err := archive.Open(dir+"/archives", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	l := logs.New(dir+"/logs", time.Now)
	r := scheduler.New(scheduler.Options{Store: s, Runner: runner{l}, Router: router{}, Now: time.Now})
	if err := r.Restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	a := &assembled{store: s, logs: l}
	a.base = serve(t, newMemory(), func(o *Options) {
		o.Users, o.Projects, o.Settings, o.Deployments, o.Archives = s, s, s, s, archives
		o.Releases, o.Apps, o.Logs = r, r, storedLogs{l}
	})
	return a
}

// user makes a user and returns its key and a client with it.
func (a *assembled) user(t *testing.T, name string, tier platform.Tier) (string, *cloudapi.Client) {
	t.Helper()
	_, key, err := a.store.CreateUser(t.Context(), name, tier)
	if err != nil {
		t.Fatal(err)
	}
	return key, client(t, a.base, key)
}

type storedLogs struct{ *logs.Logs }

func (l storedLogs) log(deployment string, kind LogKind) *logs.Log {
	if kind == BuildLog {
		return l.Build(deployment)
	}
	return l.App(deployment)
}

func (l storedLogs) Read(deployment string, kind LogKind, since time.Time) (lines []Line, err error) {
	found, err := l.log(deployment, kind).Read(since, 0)
	for _, f := range found {
		lines = append(lines, Line(f))
	}
	return lines, err
}

func (l storedLogs) Watch(ctx context.Context, deployment string, kind LogKind, since time.Time) <-chan Line {
	lines := make(chan Line)
	go func() {
		defer close(lines)
		for f := range l.log(deployment, kind).Watch(ctx, since) {
			select {
			case lines <- Line(f):
			case <-ctx.Done():
			}
		}
	}()
	return lines
}

// runner builds and starts deployments whose message does not say otherwise.
type runner struct{ logs *logs.Logs }

func (r runner) Build(_ context.Context, d platform.Deployment) (string, error) {
	if err := r.logs.Build(d.ID).Append("Resolved 3 packages", "Installed 3 packages"); err != nil {
		return "", err
	}
	if d.Message == "does not build" {
		return "", &platform.Problem{Reason: platform.ReasonDependency, Msg: "there is no package nonsense", Hint: "correct its name", Output: []string{"not found"}}
	}
	return "lock", nil
}

func (r runner) Start(_ context.Context, d platform.Deployment) (scheduler.Instance, error) {
	return &instance{done: make(chan struct{})}, r.logs.App(d.ID).Append("serving")
}

func (runner) Find(platform.Deployment) (scheduler.Instance, error) { return nil, fs.ErrNotExist }
func (runner) Discard(string, []platform.Deployment) error          { return nil }

type instance struct{ done chan struct{} }

func (*instance) URL() *url.URL           { return &url.URL{Scheme: "http", Host: "127.0.0.1:1"} }
func (*instance) Base() string            { return "" }
func (i *instance) Done() <-chan struct{} { return i.done }
func (*instance) Err() error              { return nil }
func (i *instance) Stop(time.Duration)    { close(i.done) }
func (*instance) Freeze() error           { return nil }
func (*instance) Thaw() error             { return nil }

type router struct{}

func (router) Route(scheduler.Route) error          { return nil }
func (router) Remove(string)                        {}
func (router) Drop(string)                          {}
func (router) Activity(string) []scheduler.Activity { return nil }

// zipOf makes a zip of one file.
func zipOf(t *testing.T, content string) archived {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("app.py")
	if err == nil {
		_, err = f.Write([]byte(content))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return archived(b.String())
}

// await polls a job until its status is one of want, as clients do.
func await(t *testing.T, c *cloudapi.Client, job string, want ...string) *cloudapi.Job {
	t.Helper()
	for {
		j, err := c.Job(t.Context(), job)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(want, j.Status) {
			return j
		}
		if slices.Contains([]string{"failed", "docker-failed", "stopped", "finished"}, j.Status) {
			t.Fatalf("the job is %+v, want %q", j, want)
		}
		time.Sleep(time.Millisecond)
	}
}

// The whole way of a project: deployed, failed, rolled back, stopped, started and deleted.
func TestAssembled(t *testing.T) {
	t.Parallel()
	a := assemble(t)
	ctx := t.Context()
	key, c := a.user(t, "ann", platform.Pro)
	p, err := c.CreateProject(ctx, "streamlit")
	if err != nil {
		t.Fatal(err)
	}
	deploy := func(message, content string) (*cloudapi.Deployment, error) {
		return c.Deploy(ctx, cloudapi.DeployRequest{
			ProjectID: p.ID, Type: "streamlit", Archive: zipOf(t, content), Message: message, Labels: []string{"x"},
			Secrets: []cloudapi.Secret{{Key: "TOKEN", Value: content}},
		})
	}
	first, err := deploy("first", "import streamlit")
	if err != nil {
		t.Fatal(err)
	}
	await(t, c, first.ID, "running")
	logs, err := c.Logs(ctx, first.ID, time.Time{})
	if err != nil || !strings.HasSuffix(logs.App, " serving") || strings.Count(logs.Build, "\n") != 1 {
		t.Errorf("logs %+v, %v", logs, err)
	}
	failed, err := deploy("does not build", "import nonsense")
	if err != nil {
		t.Fatal(err)
	}
	if j := await(t, c, failed.ID, "docker-failed", "failed"); j.Status != "docker-failed" || j.Reason != "dependency-not-found" || j.NextStep != "correct its name" {
		t.Errorf("a failed build is %+v", j)
	}
	list, err := c.Deployments(ctx, p.ID)
	if err != nil || len(list) != 2 || list[0].Current || !list[1].Current || list[1].Message != "first" || list[1].By != "ann" {
		t.Errorf("deployments %+v, %v", list, err)
	}
	again, err := c.Rollback(ctx, p.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	await(t, c, again.ID, "running")
	if digests := secretDigests(t, a.base, key, p.ID); len(digests) != 1 || digests[0].Name != "TOKEN" {
		t.Errorf("digests %+v", digests)
	}
	for range 2 {
		if err := c.StopService(ctx, again.ID); err != nil {
			t.Error(err)
		}
	}
	await(t, c, again.ID, "stopped")
	for range 2 {
		if err := c.StartService(ctx, again.ID); err != nil {
			t.Error(err)
		}
	}
	await(t, c, again.ID, "running")
	var files bytes.Buffer
	if err := c.Download(ctx, p.ID, &files); err != nil || files.String() != string(zipOf(t, "import streamlit")) {
		t.Errorf("%d bytes of files, %v", files.Len(), err)
	}
	if _, err := c.Deploy(ctx, cloudapi.DeployRequest{ProjectID: p.ID, Type: "dash", Archive: archived("not a zip")}); err == nil || !strings.Contains(err.Error(), "not a zip archive") {
		t.Errorf("not a zip: %v", err)
	}
	if err := c.DeleteProject(ctx, p.ID); err != nil {
		t.Error(err)
	}
	if list, err := c.Projects(ctx); err != nil || len(list) != 0 {
		t.Errorf("projects after the deletion: %+v, %v", list, err)
	}
}

// A platform that belongs to the same user is asked by many clients at once.
func TestAssembledAtOnce(t *testing.T) {
	t.Parallel()
	a := assemble(t)
	_, c := a.user(t, "ann", platform.Community)
	made := make(chan error)
	for range 10 {
		go func() { _, err := c.CreateProject(t.Context(), "dash"); made <- err }()
	}
	refused := 0
	for range 10 {
		if err := <-made; errors.Is(err, cloudapi.ErrUnauthorized) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if list, err := c.Projects(t.Context()); err != nil || len(list) != 2 || refused != 8 {
		t.Errorf("%d projects, %d refused, %v; the tier allows 2", len(list), refused, err)
	}
}
