package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// Spec is an app to run.
type Spec struct {
	Recipe      platform.Recipe
	Dir         string // the project; nothing is written there
	Environment platform.Environment
	Environ     []string          // the caller's variables, NAME=value; the API key is removed
	Vars        map[string]string // the project's variables, which take precedence
	Home        string            // folder outside the project for the app's private files
	Public      string            // public scheme, host and port of the app; replaces the app's own address in its output
	Log         io.Writer         // gets the lines the app prints, one Write each; nil drops them
	Notify      func(platform.Event)

	IsolatedHome bool            // the app gets Home as its home folder, instead of the user's
	Changes      <-chan []string // names of saved files; nil if the app is not to be restarted for them

	// Zero values mean the defaults below.
	ReadyTimeout     time.Duration             // time limit for a start: 90 s
	StopTimeout      time.Duration             // time between the request to stop and a kill: 10 s
	MaxRestarts      int                       // crashes in a row before giving up: 5
	Backoff          func(n int) time.Duration // pause after the n-th crash in a row: 1 s, doubling, at most 30 s
	Now              func() time.Time          // required
	wrongAnswerLimit time.Duration             // how long an app may respond incorrectly before giving up: 5 s
	freePort         func() (int, error)       // replaced by tests
	deployed         bool                      // the app is a deployment: hints name what helps there
}

const (
	portAttempts = 3               // an app may lose its port to another program between choice and use
	stableAfter  = time.Minute     // an app that served that long has not crashed in a row
	saveGrace    = 2 * time.Second // time between the request to stop and a kill when a saved file is waiting
	baseName     = "base"          // file in {root} in which a Launcher records the path below which the app is served
)

// openToAll warns of an app that is reached at an address.
const openToAll = "the app listens on every address of this machine: clients that connect to %s bypass the login; make it listen on 127.0.0.1"

// App is a running app. Its methods are safe for concurrent use.
type App struct {
	spec     Spec
	launch   *launch
	port     int
	base     string // path below which the app is served; "" or one such as /myapp/
	stopOnce sync.Once
	stop     chan struct{}
	done     chan struct{}
	err      error // valid once done is closed
}

// Start starts the app and returns once it responds. The error is a *platform.Problem if the app is at fault,
// ctx.Err() if ctx ended first; then nothing of it is left. Afterwards ctx has no influence: the caller ends the
// app with Stop.
func Start(ctx context.Context, s Spec) (*App, error) {
	s = s.withDefaults()
	l, err := prepare(s)
	if err != nil {
		return nil, err
	}
	a := &App{spec: s, launch: l, stop: make(chan struct{}), done: make(chan struct{})}
	p, err := a.first(ctx)
	if err != nil {
		l.discard()
		return nil, err
	}
	go a.watch(p)
	return a, nil
}

func (s Spec) withDefaults() Spec {
	if s.ReadyTimeout == 0 {
		s.ReadyTimeout = 90 * time.Second
	}
	if s.StopTimeout == 0 {
		s.StopTimeout = 10 * time.Second
	}
	if s.MaxRestarts == 0 {
		s.MaxRestarts = 5
	}
	if s.Backoff == nil {
		s.Backoff = func(n int) time.Duration { return min(time.Second<<min(n-1, 5), 30*time.Second) }
	}
	if s.Notify == nil {
		s.Notify = func(platform.Event) {}
	}
	if s.wrongAnswerLimit == 0 {
		s.wrongAnswerLimit = 5 * time.Second
	}
	if s.freePort == nil {
		s.freePort = freePort
	}
	return s
}

// first starts the app on a port that it keeps, since the proxy in front of it is configured with that port.
func (a *App) first(ctx context.Context) (*process, error) {
	for attempt := 1; ; attempt++ {
		var err error
		if a.port, err = a.spec.freePort(); err != nil {
			return nil, err
		}
		a.spec.Notify(platform.Event{Phase: platform.Starting, Message: "starting " + a.launch.title()})
		p, err := a.start(ctx)
		if err == nil {
			a.base = basePath(a.spec.Recipe, a.launch.root)
			if address := reachable(a.port); address != "" {
				a.spec.Notify(platform.Event{Phase: platform.Noticed, Message: fmt.Sprintf(openToAll, address)})
			}
			return p, nil
		}
		var exit *platform.ExitError
		if attempt == portAttempts || !errors.As(err, &exit) || !portTaken(a.port) {
			return nil, err
		}
	}
}

// basePath is the path below which an app is served, according to its settings or its launcher.
func basePath(recipe platform.Recipe, root string) string {
	base := recipe.Base
	if dir, err := os.OpenRoot(root); err == nil { // the app may have put a link in there that leads out of it
		defer dir.Close()
		if info, err := dir.Lstat(baseName); err == nil && info.Mode().IsRegular() {
			told, _ := dir.ReadFile(baseName)
			base = strings.TrimSpace(string(told))
		}
	}
	if base = strings.Trim(base, "/"); base == "" {
		return ""
	}
	return "/" + base + "/"
}

// start starts the app once and waits until it responds. After an error nothing of it is left.
func (a *App) start(ctx context.Context) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := a.launch.command(a.port)
	if err != nil {
		return nil, err
	}
	p, err := start(c)
	if err != nil {
		return nil, err
	}
	status, err := awaitReady(ctx, a.spec, p, a.port)
	if err != nil {
		p.stop(a.spec.StopTimeout)
		return nil, err
	}
	if message := firstAnswer(status, firstCause(ctx, p, a.spec, status)); message != "" {
		a.spec.Notify(platform.Event{Phase: platform.Noticed, Message: message})
	}
	return p, nil
}

// causeLimit is how long to wait for the traceback after a first page with an error: the output of an app may be
// read after its response.
const causeLimit = time.Second

// firstCause is an error that an app has printed by its first response, of the given status; the zero Problem if there is none.
func firstCause(ctx context.Context, app starting, s Spec, status int) platform.Problem {
	limit := time.NewTimer(causeLimit)
	defer limit.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		cause := diagnose(app.lastLines(keptLines), s)
		if status < http.StatusInternalServerError || cause.Msg != "" {
			return cause
		}
		select {
		case <-look.C:
		case <-limit.C:
			return cause
		case <-app.ended():
			return cause
		case <-ctx.Done():
			return cause
		}
	}
}

// firstAnswer is a warning about an app that responds with an error, or has printed one; "" if it has not.
func firstAnswer(status int, cause platform.Problem) string {
	message := "the app responds, but has printed an error"
	switch {
	case status >= 500:
		message = fmt.Sprintf("the app's first page is an error (%d %s)", status, http.StatusText(status))
	case cause.Msg == "":
		return ""
	}
	if cause.Msg != "" {
		message += ": " + strings.TrimSuffix(cause.Msg+"; "+cause.Hint, "; ")
	}
	return message
}

// watch keeps the app running until it is stopped or has crashed too often.
func (a *App) watch(p *process) {
	defer close(a.done)
	defer a.launch.discard()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-a.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	for crashes := 0; ; {
		since := a.spec.Now()
		select {
		case <-a.stop:
			p.stop(a.spec.StopTimeout)
			return
		case files := <-a.spec.Changes:
			p.stop(min(saveGrace, a.spec.StopTimeout))
			if p = a.renew(ctx, files); p == nil {
				return // stopped while starting
			}
			continue
		case <-p.done:
		}
		if a.spec.Now().Sub(since) >= stableAfter {
			crashes = 0
		}
		var crash error = p.why(a.spec)
		for p = nil; p == nil; p, crash = a.restart(ctx) {
			if ctx.Err() != nil {
				return // stopped while starting
			}
			if crashes++; crashes > a.spec.MaxRestarts {
				a.err = fmt.Errorf("giving up after %d restarts: %w", a.spec.MaxRestarts, crash)
				return
			}
			delay := a.spec.Backoff(crashes)
			a.spec.Notify(platform.Event{Phase: platform.Crashed, Message: "the app crashed", Delay: delay, Err: crash})
			select {
			case <-a.stop:
				return
			case <-a.spec.Changes: // which may have fixed it
				crashes = 0
			case <-time.After(delay):
			}
		}
	}
}

// renew restarts the app with saved files. If it does not start, it tries again after the next save. It returns
// nil after Stop.
func (a *App) renew(ctx context.Context, files []string) *process {
	for {
		what := "files"
		if len(files) == 1 {
			what = files[0]
		}
		a.spec.Notify(platform.Event{Phase: platform.Starting, Message: what + " changed: restarting the app"})
		p, err := a.start(ctx)
		if err == nil {
			a.spec.Notify(platform.Event{Phase: platform.Restarted, Message: "the app responds again"})
			return p
		}
		if ctx.Err() != nil {
			return nil
		}
		a.spec.Notify(platform.Event{Phase: platform.Crashed, Message: "the changed app does not start", Err: err})
		select {
		case <-a.stop:
			return nil
		case files = <-a.spec.Changes:
		}
	}
}

// restart starts the app again after a crash. With an error the process is nil.
func (a *App) restart(ctx context.Context) (*process, error) {
	a.spec.Notify(platform.Event{Phase: platform.Starting, Message: "starting " + a.launch.title() + " again"})
	p, err := a.start(ctx)
	if err == nil {
		a.spec.Notify(platform.Event{Phase: platform.Restarted, Message: "the app responds again"})
	}
	return p, err
}

// URL is the app's address on the loopback interface.
func (a *App) URL() *url.URL { return upstream(a.port) }

// Base is the path below which the app is served, with a slash at both ends; "" for the root of URL.
func (a *App) Base() string { return a.base }

// Done is closed when the app has ended for good: after Stop, or when it crashed too often.
func (a *App) Done() <-chan struct{} { return a.done }

// Err returns why the app ended, once Done is closed: nil after Stop, otherwise a *platform.Problem.
func (a *App) Err() error {
	select {
	case <-a.done:
		return a.err
	default:
		return nil
	}
}

// Stop ends the app and everything it started, forcibly after Spec.StopTimeout, and returns when nothing is left.
func (a *App) Stop() {
	a.stopOnce.Do(func() { close(a.stop) })
	<-a.done
}
