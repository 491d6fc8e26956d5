package localcloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/archive"
	"github.com/ploomber/ploomber-cloud/internal/platform/build"
	"github.com/ploomber/ploomber-cloud/internal/platform/detect"
	"github.com/ploomber/ploomber-cloud/internal/platform/logs"
	"github.com/ploomber/ploomber-cloud/internal/platform/scheduler"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
)

// runner builds and runs deployments on this machine, for the scheduler.
type runner struct {
	folder   folder
	store    *store.Store
	archives *archive.Folder
	logs     *logs.Logs
	builder  build.Builder // without Log and Notify
	environ  []string      // the platform's
	isolate  *supervise.Isolation
	now      func() time.Time

	entry  string                      // name of the variable that names the file to start
	public func(project string) string // address of a project's app

	mu        sync.Mutex
	followers map[string]*follower // of running apps, by deployment
}

var _ scheduler.Runner = (*runner)(nil)

// Build unpacks a deployment, finds its app and installs its packages.
func (r *runner) Build(ctx context.Context, d platform.Deployment) (lock string, err error) {
	log := r.logs.Build(d.ID)
	say := func(line string) { _ = log.Append(line) } // a log that cannot be written does not keep an app from running
	defer func() {
		if err != nil && ctx.Err() == nil {
			say("the build failed: " + platform.CauseOf(err).Message)
		}
	}()
	say(fmt.Sprintf("building deployment %d of %s", d.Number, d.Project))
	if err := r.unpack(ctx, d); err != nil {
		return "", err
	}
	vars, err := r.vars(ctx, d)
	if err != nil {
		return "", err
	}
	recipe, err := r.recipe(d, vars)
	if err != nil {
		return "", err
	}
	b := r.builder
	b.Log = log
	b.Notify = func(e platform.Event) {
		if e.Message != "" {
			say(e.Message)
		}
	}
	built, err := r.environment(ctx, &b, d, recipe)
	if err != nil {
		return "", err
	}
	defer built.Release() // the store refers to it from now on, see clean
	return built.Lock, nil
}

// environment builds the packages of d: those of the deployment that it repeats, or those of the current one if the
// requirements are the same.
func (r *runner) environment(ctx context.Context, b *build.Builder, d platform.Deployment, recipe platform.Recipe) (*build.Built, error) {
	p := build.Project{Dir: r.folder.code(d), Recipe: recipe}
	if d.Lock != "" {
		return b.Open(ctx, d.Lock, p)
	}
	owner, err := r.store.Project(ctx, d.Project)
	if err != nil {
		return nil, err
	}
	if owner.Current != "" {
		current, err := r.store.Deployment(ctx, owner.Current)
		if err != nil {
			return nil, err
		}
		p.Previous = current.Lock
	}
	return b.Build(ctx, p)
}

// unpack unpacks the files of d, unless that was done before.
func (r *runner) unpack(ctx context.Context, d platform.Deployment) error {
	code := r.folder.code(d)
	if _, err := os.Lstat(code); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(code), 0o700); err != nil {
		return err
	}
	return r.archives.Unpack(ctx, d.Archive, code)
}

// vars are the variables of d. The error is a *platform.Problem if its login is not configured correctly.
func (r *runner) vars(ctx context.Context, d platform.Deployment) (map[string]string, error) {
	secrets, err := r.store.Secrets(ctx, d.ID)
	if err != nil {
		return nil, err
	}
	if _, err := loginOf(d, secrets, r.folder.code(d)); err != nil {
		return nil, err
	}
	return secrets.Vars(), nil
}

// recipe finds the app of d, and says how to run it.
func (r *runner) recipe(d platform.Deployment, vars map[string]string) (platform.Recipe, error) {
	_, noEngine := platform.FindProgram(r.environ, "docker", "podman")
	pairs := platform.Environ(nil, vars)
	app, err := detect.Find(os.DirFS(r.folder.code(d)), detect.Options{
		Framework: d.Type, Entry: platform.Lookup(pairs, r.entry), NoEngine: noEngine != nil, Environ: pairs,
	})
	var several *detect.Ambiguous
	var problem *platform.Problem
	switch {
	case errors.As(err, &several):
		return platform.Recipe{}, &platform.Problem{Reason: platform.ReasonEntryMissing, Msg: several.Error(), Err: err,
			Hint: fmt.Sprintf("name one in .env, such as %s=%s, and deploy again", r.entry, several.Apps[0].Entry)}
	case errors.As(err, &problem) && problem.Reason == "":
		return platform.Recipe{}, r.entryMissing(d, problem, vars)
	case err != nil:
		return platform.Recipe{}, err
	}
	recipe, ok := app.Recipe(runtime.GOOS)
	if !ok {
		return recipe, &platform.Problem{Reason: platform.ReasonUnsupported, Msg: fmt.Sprintf("projects of type %q cannot be run here", app.Framework),
			Hint: "deploy it to a platform on another machine"}
	}
	if _, err := platform.Entry(r.folder.code(d), recipe); err != nil {
		if errors.As(err, &problem) {
			return recipe, r.entryMissing(d, problem, vars)
		}
		return recipe, err
	}
	return recipe, nil
}

// entryMissing is p for a deployment, whose owner has no flags to name the entry with.
func (r *runner) entryMissing(d platform.Deployment, p *platform.Problem, vars map[string]string) *platform.Problem {
	missing := *p
	missing.Reason = platform.ReasonEntryMissing
	switch {
	case vars[r.entry] != "": // the hint names a correct value
	case d.Type == platform.Docker:
		missing.Hint = "add a Dockerfile, or a Procfile with the command that starts the app, and deploy again"
	default:
		missing.Hint = fmt.Sprintf("add the file that starts the app, or name it in .env, such as %s=src/app.py, and deploy again", r.entry)
	}
	return &missing
}

// maxProcesses is the limit of processes and threads of an app: more than any framework starts, few enough for the machine.
const maxProcesses = 2000

// Start starts the app of a deployment.
func (r *runner) Start(ctx context.Context, d platform.Deployment) (scheduler.Instance, error) {
	vars, err := r.vars(ctx, d)
	if err != nil {
		return nil, err
	}
	recipe, err := r.recipe(d, vars)
	if err != nil {
		return nil, err
	}
	built, err := r.builder.Open(ctx, d.Lock, build.Project{Dir: r.folder.code(d), Recipe: recipe})
	if err != nil {
		return nil, err
	}
	defer built.Release() // the store refers to it as long as d may run
	data := r.folder.data(d.Project)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, err
	}
	limits := supervise.Limits{CPU: d.Resources.CPU, Memory: int64(d.Resources.RAM) * 1e9, Processes: maxProcesses}
	output := r.follow(d)
	instance, err := supervise.Launch(ctx, supervise.InstanceSpec{
		Recipe: recipe, Dir: r.folder.code(d), Environment: built.Environment, Environ: r.environ, Vars: vars,
		Home: r.folder.run(d), Data: data, Output: r.logs.App(d.ID).Raw(), Limits: limits, Now: r.now,
		Isolation: r.isolate, Notify: func(e platform.Event) { _ = r.logs.App(d.ID).Append("ploomber-cloud: warning: " + e.Message) },
		OnPort: func(port int) { output.show(port, r.public(d.Project)) },
	})
	if err != nil {
		r.unfollow(d)
		return nil, err
	}
	r.unfollowAfter(d, instance)
	return instance, nil
}

// Find returns the instance of d that was started by an earlier run of the platform.
func (r *runner) Find(d platform.Deployment) (scheduler.Instance, error) {
	instance, err := supervise.Adopt(r.folder.run(d))
	if err != nil {
		return nil, err
	}
	if port, err := strconv.Atoi(instance.URL().Port()); err == nil {
		r.follow(d).show(port, r.public(d.Project))
	}
	r.unfollowAfter(d, instance)
	return instance, nil
}

// Discard removes the files of a project.
func (r *runner) Discard(project string, ds []platform.Deployment) error {
	errs := []error{os.RemoveAll(r.folder.data(project))}
	for _, d := range ds {
		errs = append(errs, r.discard(d))
	}
	return errors.Join(errs...)
}

// discard removes the files of a deployment that will never run again.
func (r *runner) discard(d platform.Deployment) error {
	r.unfollow(d)
	return errors.Join(os.RemoveAll(r.folder.app(d)), r.logs.Remove(d.ID))
}

// follower moves the output of an app to its log. In the log the app is at its public address: its own would bypass the login.
type follower struct {
	*logs.Follower
	banner atomic.Pointer[func(line string) string]
}

// show replaces the address of the app at port by its public one.
func (f *follower) show(port int, public string) {
	banner := supervise.Banner(port, public)
	f.banner.Store(&banner)
}

// follow moves the output of an app to its log from now on.
func (r *runner) follow(d platform.Deployment) *follower {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.followers[d.ID]
	if f == nil {
		f = &follower{}
		f.Follower = r.logs.App(d.ID).Follow(func(line string) string {
			if banner := f.banner.Load(); banner != nil {
				return (*banner)(line)
			}
			return line
		})
		r.followers[d.ID] = f
	}
	return f
}

// unfollow moves the rest of the output of an app that has ended.
func (r *runner) unfollow(d platform.Deployment) {
	r.mu.Lock()
	f := r.followers[d.ID]
	delete(r.followers, d.ID)
	r.mu.Unlock()
	if f != nil {
		_ = f.Finish() // the end of a log may be missing if the disk is full
	}
}

func (r *runner) unfollowAfter(d platform.Deployment, instance *supervise.Instance) {
	go func() {
		<-instance.Done()
		r.unfollow(d)
	}()
}

// stopFollowing leaves the output of running apps to the next run of the platform.
func (r *runner) stopFollowing() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, f := range r.followers {
		f.Stop()
		delete(r.followers, id)
	}
}
