// Package localcloud combines the packages of the platform. Up runs one project on this machine: it builds the
// environment, starts the app and serves it behind the given login. It knows nothing about commands, prompts or
// how a login works.
package localcloud

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/build"
	"github.com/ploomber/ploomber-cloud/internal/platform/gateway"
	"github.com/ploomber/ploomber-cloud/internal/platform/supervise"
	"github.com/ploomber/ploomber-cloud/internal/platform/watch"
)

// UpOptions says what to run and how.
type UpOptions struct {
	Dir       string            // the project; nothing is written there
	App       platform.App      // the app to run
	Vars      map[string]string // the app's variables, as .env has them
	Environ   []string          // the caller's variables, NAME=value
	CacheDir  string            // for environments and the apps' home folders; made if missing
	Address   string            // "host:port"; "" for 127.0.0.1:8080 or the next free port
	Installer Installer         // tool that installs packages; "" is AutoInstaller
	Reload    bool              // restart the app when its files are saved
	Isolated  bool              // give the app its own home folder instead of the user's
	NoBuild   bool              // reuse the environment of the last build, even if the project has changed
	Forget    bool              // the project only exists for this run: keep nothing of it but its environment

	// Protect creates the handler between users at public and the app at upstream. If it is an io.Closer, it is
	// closed before the app stops, and closes WebSockets then.
	Protect func(upstream, public *url.URL) (http.Handler, error)

	InstallLog io.Writer            // gets the lines of installers; nil drops them
	AppLog     io.Writer            // gets the lines of the app; nil drops them
	ServerLog  *slog.Logger         // errors of single connections; nil discards them
	Notify     func(platform.Event) // called from several goroutines, but never concurrently; may be nil
	Now        func() time.Time     // required

	ReadyTimeout time.Duration // time limit for the app to respond; 0 means 90 s
	StopTimeout  time.Duration // time limit for the app to stop before it is killed; 0 means 10 s

	Recipe *platform.Recipe // overrides the framework's default; nil in production
}

// DefaultAddress is where an app is served by default, if the port is free.
const DefaultAddress = gateway.DefaultAddress

// drainTimeout is how long in-flight requests may take once the user stops the app.
const drainTimeout = 3 * time.Second

// Running is a served project.
type Running struct {
	options UpOptions
	url     *url.URL
	env     *build.Built
	app     *supervise.App
	handler http.Handler
	unwatch context.CancelFunc
	server  *gateway.Server
	closing sync.Once
}

// Up runs a project and returns once it responds at URL. If that fails or ctx ends first, everything it started is
// stopped before it returns; the error is a *platform.Problem if the user can fix it, ctx.Err() if ctx ended.
// After that ctx has no influence: see Wait and Close.
func Up(ctx context.Context, o UpOptions) (_ *Running, err error) {
	o.Notify = serialised(o.Notify)
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return nil, err
	}
	if o.CacheDir, err = filepath.Abs(o.CacheDir); err != nil {
		return nil, err
	}
	recipe, err := o.recipe()
	if err != nil {
		return nil, err
	}
	if _, err := platform.Entry(o.Dir, recipe); err != nil {
		return nil, err // before minutes of installing
	}
	listener, err := gateway.Listen(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	r := &Running{options: o, url: listener.URL()}
	defer func() {
		if err != nil {
			_ = listener.Close()
			r.stop()
		}
	}()

	if r.env, err = o.build(ctx, recipe); err != nil {
		return nil, err
	}
	watching, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	r.unwatch = unwatch
	if r.app, err = o.start(ctx, watching, recipe, r.env.Environment, r.url); err != nil {
		return nil, err
	}
	if r.handler, err = o.Protect(r.app.URL(), r.url); err != nil {
		return nil, fmt.Errorf("protect the app: %w", err)
	}
	r.server = gateway.Serve(listener, gateway.Below(r.app.Base(), r.handler), o.Now, o.ServerLog)
	o.Notify(platform.Event{Phase: platform.Ready, Message: "the app is ready", URL: r.URL()})
	return r, nil
}

func (o *UpOptions) recipe() (platform.Recipe, error) {
	if o.Recipe != nil {
		return *o.Recipe, nil
	}
	recipe, ok := o.App.Recipe(runtime.GOOS)
	if !ok {
		return recipe, &platform.Problem{
			Msg:  fmt.Sprintf("projects of type %q cannot be run here", o.App.Framework),
			Hint: fmt.Sprintf("these can: %v", platform.Frameworks()),
		}
	}
	return recipe, nil
}

func (o *UpOptions) build(ctx context.Context, recipe platform.Recipe) (*build.Built, error) {
	b := build.Builder{
		CacheDir: o.CacheDir, Environ: o.Environ, Installer: o.Installer, Log: o.InstallLog, Notify: o.Notify, Now: o.Now, Run: supervise.Run,
	}
	p := build.Project{Dir: o.Dir, Recipe: recipe}
	if o.NoBuild {
		return b.Latest(ctx, p)
	}
	return b.Build(ctx, p)
}

// start starts the app. Its files are watched until watching ends.
func (o *UpOptions) start(ctx, watching context.Context, recipe platform.Recipe, env platform.Environment, public *url.URL) (*supervise.App, error) {
	var changes <-chan []string
	if o.Reload && !recipe.Reloads {
		changes = watch.Saved(watching, o.Dir)
	} else if o.Reload {
		changes = make(chan []string) // not needed: the framework reloads itself
	}
	return supervise.Start(ctx, supervise.Spec{
		Recipe: recipe, Dir: o.Dir, Environment: env, Environ: o.Environ, Vars: o.Vars, Home: filepath.Join(o.kept(), "home"),
		IsolatedHome: o.Isolated, Public: strings.TrimSuffix(public.String(), "/"), Changes: changes,
		Log: o.AppLog, Notify: o.Notify, Now: o.Now, ReadyTimeout: o.ReadyTimeout, StopTimeout: o.StopTimeout,
	})
}

// kept is the folder for what is kept of the project between runs: the home folder of its app, and a note of its
// last environment.
func (o *UpOptions) kept() string {
	return filepath.Join(o.CacheDir, "projects", platform.FolderName(o.Dir))
}

// URL is where users reach the app, without Base.
func (r *Running) URL() *url.URL { u := *r.url; return &u }

// Base is the path below which the app is served, with a slash at both ends; "" if it is served at the root.
func (r *Running) Base() string {
	if r.app == nil {
		return ""
	}
	return r.app.Base()
}

// Wait blocks until ctx ends, the app has crashed too often or its server fails, then stops everything. It returns
// ctx.Err() or the reason.
func (r *Running) Wait(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case <-r.app.Done():
		err = r.app.Err()
	case <-r.server.Done():
		err = r.server.Err()
	}
	r.close(err)
	return err
}

// Close stops everything in order: it accepts no new requests, waits for in-flight ones or cuts them, then ends
// the app and everything it started. It takes at most slightly longer than drainTimeout plus StopTimeout.
func (r *Running) Close() { r.close(nil) }

func (r *Running) close(reason error) {
	r.closing.Do(func() {
		e := platform.Event{Phase: platform.Stopping, Message: "stopping the app"}
		if r.app.Err() != nil || r.server.Err() != nil {
			e.Err = reason
		}
		r.options.Notify(e)
		r.stop()
		r.options.Notify(platform.Event{Phase: platform.Stopped, Message: "the app has stopped"})
	})
}

// stop stops what has been started so far.
func (r *Running) stop() {
	if r.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		_ = r.server.Shutdown(ctx) // what is cut has had its time
	}
	if c, ok := r.handler.(io.Closer); ok {
		_ = c.Close() // WebSockets
	}
	if r.unwatch != nil {
		r.unwatch()
	}
	if r.app != nil {
		r.app.Stop()
	}
	r.env.Release()
	if r.options.Forget {
		_ = os.RemoveAll(r.options.kept()) // leftovers are small, and in a cache
	}
}

// serialised returns notify made safe for concurrent use.
func serialised(notify func(platform.Event)) func(platform.Event) {
	var mu sync.Mutex
	return func(e platform.Event) {
		if notify == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		notify(e)
	}
}
