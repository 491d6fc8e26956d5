// Package upcmd runs the project here, in the foreground, behind its login.
package upcmd

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Folder   flow.Folder // Folder.Config is a flag
	Lookup   flow.Lookup
	Environ  func() []string
	CacheDir func() (string, error) // for environments and the apps' own files
	Now      func() time.Time
	Random   io.Reader
	Browse   func(ctx context.Context, url string) error // opens a browser
	Verbose  func() bool
	Flags

	recipe *platform.Recipe // in place of the framework's own; nil in production
}

// Flags are what the command line decides.
type Flags struct {
	Port                  int
	NoBuild, Open, Public bool
	Type                  string
	Timeout               time.Duration
}

// New builds the command. run is nil in production; a parse test passes its own to look at Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = func(ctx context.Context, o *Options) error { return o.Run(ctx, nil) }
	}
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the project here, behind its login",
		Long: "Build the project's environment, start the app and serve it on this machine behind the login that\n" +
			"it will have when it is deployed. No account is needed. Ctrl-C stops everything.",
		Example: "  ploomber-cloud up\n" +
			"  ploomber-cloud up --port 9000 --open\n" +
			"  ploomber-cloud up --no-build                 # take the environment of the last time\n" +
			"  ploomber-cloud auth --add --offline && ploomber-cloud up --type dash",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case c.Flags().Changed("port") && (o.Port < 1 || o.Port > 65535):
				return failure.Usagef("--port must be from 1 to 65535")
			case o.Timeout <= 0:
				return failure.Usagef("--timeout must be longer than nothing, such as 90s")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.IntVar(&o.Port, "port", 0, "serve at `PORT` of this machine (default: 8080, or the next free one)")
	f.BoolVar(&o.NoBuild, "no-build", false, "take the environment that was built last")
	f.BoolVar(&o.Open, "open", false, "open the app in the browser")
	f.BoolVar(&o.Public, "public", false, "serve an app that has no login")
	f.DurationVar(&o.Timeout, "timeout", 90*time.Second, "how long the app may take to answer: `TIME`, such as 2m")
	flagset.OneOf(c, &o.Type, "type", "project type, where there is no configuration", project.Types())
	flagset.Config(c, &o.Folder.Config)
	return c
}

// Served is an app that answers.
type Served struct {
	URL       string   `json:"url"`
	Type      string   `json:"type"`
	Protected []string `json:"protected"` // what is guarded and how, in words
}

// Run serves the project until ctx ends. Where ready is not nil it is called once the app answers, and its
// return ends the run.
func (o *Options) Run(ctx context.Context, ready func(context.Context, Served) error) error {
	c, err := o.config()
	if err != nil {
		return err
	}
	vars, err := o.vars()
	if err != nil {
		return err
	}
	login, err := o.login(c)
	if err != nil {
		return err
	}
	cache, err := o.CacheDir()
	if err != nil {
		return failure.Failedf("no folder for the app's environment is known: %w", err)
	}
	dir, err := filepath.Abs(o.Folder.Dir)
	if err != nil {
		return failure.Failedf("the current folder cannot be found: %w", err)
	}
	installLog, appLog, serverLog := o.logs()
	running, err := localcloud.Up(ctx, localcloud.UpOptions{
		Dir: dir, Framework: platform.Framework(c.Type), Vars: vars, Environ: o.Environ(), CacheDir: cache,
		Address: o.address(), NoBuild: o.NoBuild, ReadyTimeout: o.Timeout, Now: o.Now,
		InstallLog: installLog, AppLog: appLog, ServerLog: serverLog, Notify: o.notify,
		Recipe: o.recipe,
		Protect: func(upstream, public *url.URL) (http.Handler, error) {
			return o.protect(login, upstream, public, serverLog)
		},
	})
	if err != nil {
		return o.explain(err)
	}
	defer running.Close()
	served := Served{URL: running.URL().String(), Type: c.Type}
	for _, r := range login.Rules() {
		served.Protected = append(served.Protected, r.String())
	}
	if ready != nil {
		return ready(ctx, served)
	}
	if err := o.show(ctx, served); err != nil {
		return err
	}
	if err := running.Wait(ctx); err != nil && ctx.Err() == nil {
		return o.explain(err)
	}
	return failure.New(failure.Interrupted, "stopped")
}

// config is the project's configuration, or one made of what the folder looks like: no account is needed.
func (o *Options) config() (*project.Config, error) {
	there, err := o.Folder.Initialised()
	if err != nil {
		return nil, err
	}
	if there {
		c, err := o.Folder.Load()
		if err == nil && o.Type != "" {
			c.Type = o.Type
		}
		return c, err
	}
	if o.Folder.Config != "" {
		return o.Folder.Load() // named, so it must be there
	}
	c := &project.Config{Type: o.Type}
	if c.Type == "" {
		guess, err := project.Infer(os.DirFS(o.Folder.Dir))
		if err != nil {
			return nil, failure.Failedf("cannot read app.py: %w", err)
		}
		c.Type = guess.Type
	}
	if c.Type == "" {
		return nil, failure.Failedf("there is no app here that we know how to run").
			WithHint("name its type with --type, or take an example with 'ploomber-cloud examples'")
	}
	return c, nil
}

// vars are the app's variables: those of .env, as a deployment hands them over.
func (o *Options) vars() (map[string]string, error) {
	env, _, err := o.Folder.Env()
	if err != nil {
		return nil, err
	}
	for _, w := range env.Warnings() {
		o.IO.Err.Warn("%s, line %d is passed over: %s", o.Folder.EnvPath(), w.Line, w.Reason)
	}
	vars := map[string]string{}
	for _, p := range env.Values(func(name string) (string, bool) { return o.Lookup(name) }) {
		if !p.Null {
			vars[p.Key] = p.Value
		}
	}
	return vars, nil
}

// login reads the project's login as every other part of the program does.
func (o *Options) login(c *project.Config) (authproxy.Config, error) {
	source, err := o.Folder.LoginSource(c, o.Lookup)
	if err != nil {
		return authproxy.Config{}, err
	}
	source.Public = o.Public
	login, err := authproxy.ConfigFrom(source)
	switch {
	case errors.Is(err, authproxy.ErrUnprotected):
		return authproxy.Config{}, failure.Failedf("nothing protects this app").
			WithHint("run 'ploomber-cloud auth --add' (with --offline if you have no account), or pass --public")
	case err != nil:
		return authproxy.Config{}, &failure.Error{Code: failure.Failed, Err: err}
	}
	return login, nil
}

func (o *Options) protect(login authproxy.Config, upstream, public *url.URL, log *slog.Logger) (http.Handler, error) {
	if login.BaseURL == nil || len(login.Providers) == 0 { // a provider knows the registered address, a password needs none
		login.BaseURL = public
	}
	return authproxy.New(login, authproxy.Options{
		Upstream: upstream.String(), Now: o.Now, Random: o.Random, Log: log, CookieSuffix: public.Port(),
	})
}

func (o *Options) address() string {
	if o.Port == 0 {
		return ""
	}
	return "127.0.0.1:" + strconv.Itoa(o.Port)
}

// logs says where the lines of installers, the app and the server go: results and errors only where quiet
// or JSON was asked for.
func (o *Options) logs() (install, app io.Writer, server *slog.Logger) {
	if !o.IO.Err.Talks() {
		return nil, nil, nil
	}
	level := slog.LevelWarn
	if o.Verbose() {
		install, level = o.IO.Err, slog.LevelInfo
	}
	return install, o.IO.Err, slog.New(slog.NewTextHandler(o.IO.Err, &slog.HandlerOptions{Level: level}))
}

func (o *Options) notify(e platform.Event) {
	switch e.Phase {
	case platform.Crashed:
		o.IO.Err.Warn("the app crashed (%v); it is started again in %s", e.Err, e.Delay.Round(time.Second))
	case platform.Ready: // shown by show, with all that belongs to it
	default:
		o.IO.Err.Note("%s", e.Message)
	}
}

func (o *Options) explain(err error) error {
	var problem *platform.Problem
	switch {
	case errors.As(err, &problem):
		f := &failure.Error{Code: failure.Failed, Msg: problem.Msg, Hint: problem.Hint}
		if len(problem.Output) > 0 {
			f.Msg += "\n    " + strings.Join(problem.Output, "\n    ")
		}
		return f
	case errors.Is(err, authproxy.ErrOIDCUnavailable):
		return failure.Failedf("%w", err).WithHint("deploy the app to see this login, or use 'ploomber-cloud auth --add'")
	}
	return err
}

func (o *Options) show(ctx context.Context, s Served) error {
	if o.Open {
		if err := o.Browse(ctx, s.URL); err != nil {
			o.IO.Err.Warn("the browser could not be opened: %v", err)
		}
	}
	return o.IO.Result(s, func(out *term.Stream) {
		out.Printf("%s %s\n", out.Green("Your app runs at"), out.Bold(s.URL))
		for _, p := range s.Protected {
			out.Printf("  %s\n", p)
		}
		o.IO.Err.Note("Press Ctrl-C to stop it.")
	})
}
