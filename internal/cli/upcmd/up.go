// Package upcmd runs the project here, in the foreground, behind its login.
package upcmd

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/devidp"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Ask      Asker
	Folder   flow.Folder // Folder.Config is a flag
	Lookup   flow.Lookup
	Environ  func() []string
	CacheDir func() (string, error) // for environments and the apps' own files
	Now      func() time.Time
	Random   io.Reader
	Browse   func(ctx context.Context, url string) error // opens a browser
	Verbose  func() bool
	Home     func() (string, error) // the user's home folder, where frameworks look for settings
	Flags

	Provider *devidp.Provider // of DevLogin, where it runs already; nil starts one
	Forget   bool             // the project is gone after this run

	// FirstBuild, where not "", is said before the first step of building an environment, so not when there is one.
	FirstBuild string

	recipe   *platform.Recipe // in place of the framework's own; nil in production
	activity *term.Activity   // the line of the build that goes on
}

// Asker is the part of a prompter that this command uses.
type Asker interface {
	Choose(ctx context.Context, q prompt.Question, options []string, again string, accept func(string) (int, bool)) (int, error)
}

// Flags are what the command line decides.
type Flags struct {
	Port                   int
	NoBuild, Open, Public  bool
	NoReload, IsolatedHome bool
	Type, Entry, Command   string
	BaseURL                string
	Installer              localcloud.Installer
	DevLogin               bool
	DevUsers               []string // EMAIL[,group...]; none means two that are made up
	Timeout                time.Duration
}

// New builds the command. run is nil in production; a parse test passes its own to look at Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = func(ctx context.Context, o *Options) error { return o.Run(ctx, nil) }
	}
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the app on this machine, behind its login",
		Long: "Build the project's environment, start the app and serve it on this machine behind the login that\n" +
			"it will have when it is deployed. No account is needed. Ctrl-C stops everything.\n\n" +
			"The app is found: app.py, main.py and other usual names, the only script that imports a framework, a\n" +
			"notebook, app.R, a Dockerfile, a Procfile. --entry names another file, --command a command that listens\n" +
			"on $PORT. When a file of the app is saved, the app takes the change at once.\n\n" +
			"With OpenID Connect (Auth0 and others) the provider must know this machine's addresses; up prints\n" +
			"them. --dev-login needs no provider: one that asks for no password runs beside the app.",
		Example: "  ploomber-cloud up\n" +
			"  ploomber-cloud up --port 9000 --open\n" +
			"  ploomber-cloud up --entry src/dashboard.py\n" +
			"  ploomber-cloud up --entry shop/web.py:make_app\n" +
			"  ploomber-cloud up --command 'node server.js'\n" +
			"  ploomber-cloud up --dev-login                # try the login, as one of two made-up users\n" +
			"  ploomber-cloud up --dev-login --dev-user ada@example.com,admins\n" +
			"  ploomber-cloud up --no-build                 # reuse the environment of the last run\n" +
			"  ploomber-cloud auth --add --offline && ploomber-cloud up --type dash",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case c.Flags().Changed("port") && (o.Port < 1 || o.Port > 65535):
				return failure.Usagef("--port must be from 1 to 65535")
			case o.Timeout <= 0:
				return failure.Usagef("--timeout must be greater than zero, such as 90s")
			}
			if err := o.checkLogin(); err != nil {
				return err
			}
			if o.Command != "" && (o.Entry != "" || o.Type != "") {
				return failure.Usagef("pass one of --command and --entry or --type")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.IntVar(&o.Port, "port", 0, "serve at `PORT` of this machine (default: 8080, or the next free one)")
	f.StringVar(&o.Entry, "entry", "", "`FILE` that starts the app, or FILE:NAME with the object to serve (default: found)")
	f.StringVar(&o.Command, "command", "", "`COMMAND` that starts the app and listens at 127.0.0.1 on $PORT")
	f.BoolVar(&o.NoReload, "no-reload", false, "keep running the old code when a file is saved")
	f.BoolVar(&o.IsolatedHome, "isolated-home", false, "give the app a home folder of its own, as where it is deployed")
	f.BoolVar(&o.NoBuild, "no-build", false, "reuse the environment of the last run")
	f.BoolVar(&o.Open, "open", false, "open the app in the browser")
	f.BoolVar(&o.Public, "public", false, "serve the app even if it has no login")
	f.StringVar(&o.BaseURL, "base-url", "", "`URL` under which browsers reach the app, such as a tunnel's (default: this machine's)")
	f.BoolVar(&o.DevLogin, "dev-login", false, "log in with a provider on this machine that asks for no password")
	f.StringArrayVar(&o.DevUsers, "dev-user", nil, "a user of --dev-login, `EMAIL[,GROUP...]`; repeatable")
	f.DurationVar(&o.Timeout, "timeout", 90*time.Second, "how long to wait for the app to answer: `TIME`, such as 2m")
	flagset.OneOf(c, &o.Installer, "installer", "what installs packages; auto is uv, and pip where uv fails", localcloud.Installers())
	flagset.OneOf(c, &o.Type, "type", "framework of the app (default: the project's type, or found)", types())
	flagset.Config(c, &o.Folder.Config)
	return c
}

// types are the frameworks that an app can be said to use.
func types() []string {
	var names []string
	for _, f := range platform.Frameworks() {
		if f != platform.Shell { // which --command says
			names = append(names, string(f))
		}
	}
	return names
}

// Served is an app that answers.
type Served struct {
	URL       string   `json:"url"` // where browsers find it
	Type      string   `json:"type"`
	Entry     string   `json:"entry"`     // file or command that starts it
	Protected []string `json:"protected"` // what is guarded and how, in words

	*scaffold.Registration           // what the project's provider must know; nil where it has none
	DevLogin               *DevLogin `json:"dev_login,omitempty"`
}

// DevLogin is the provider of this machine.
type DevLogin struct {
	Issuer string   `json:"issuer"`
	Users  []string `json:"users"` // e-mails to choose from; others can be typed
}

// Run serves the project until ctx ends. Where ready is not nil it is called once the app answers, and its
// return ends the run.
func (o *Options) Run(ctx context.Context, ready func(context.Context, Served) error) error {
	env, err := o.Folder.Env()
	if err != nil {
		return err
	}
	vars, err := o.vars(env)
	if err != nil {
		return err
	}
	c, app, err := o.project(ctx, vars)
	if err != nil {
		return o.explain(err)
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
	login, err := o.login(ctx, env, c, vars, serverLog)
	if err != nil {
		return err
	}
	defer login.close()
	end := o.followBuild()
	running, err := localcloud.Up(ctx, localcloud.UpOptions{
		Dir: dir, App: app, Reload: !o.NoReload, Isolated: o.IsolatedHome, Vars: vars, Environ: o.Environ(), CacheDir: cache,
		Address: o.address(), NoBuild: o.NoBuild, Installer: o.Installer, Forget: o.Forget, ReadyTimeout: o.Timeout, Now: o.Now,
		InstallLog: installLog, AppLog: appLog, ServerLog: serverLog, Notify: o.notify,
		Recipe: o.recipe,
		Protect: func(upstream, public *url.URL) (http.Handler, error) {
			return o.protect(login, upstream, public, serverLog)
		},
	})
	end()
	if err != nil {
		return o.explain(err)
	}
	defer running.Close()
	o.sayWhichPort(running.URL())
	served := login.describe(Served{URL: login.origin() + running.Base(), Type: string(app.Framework), Entry: app.String()})
	if local := running.URL().String(); local != login.origin() {
		o.IO.Err.Note("it is served at %s", local)
	}
	if ready != nil {
		return ready(ctx, served)
	}
	o.warnOfProviders(ctx, login)
	if err := o.show(ctx, served); err != nil {
		return err
	}
	if err := running.Wait(ctx); err != nil && ctx.Err() == nil {
		return o.explain(err)
	}
	return failure.New(failure.Interrupted, "") // that it stops has been said
}
