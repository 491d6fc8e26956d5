// Package upcmd runs the project on this machine, in the foreground, behind its login.
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

	Provider *devidp.Provider // for DevLogin, if one is already running; nil starts one
	Forget   bool             // the project is deleted after this run

	// FirstBuild is a message to print before the first step of building an environment; nothing is printed if it
	// already exists.
	FirstBuild string

	recipe   *platform.Recipe // overrides the framework's default; nil in production
	activity *term.Activity   // progress line of the current build
}

// Asker is the part of a prompter that this command uses.
type Asker interface {
	Choose(ctx context.Context, q prompt.Question, options []string, again string, accept func(string) (int, bool)) (int, error)
}

// Flags are the values set on the command line.
type Flags struct {
	Port                   int
	NoBuild, Open, Public  bool
	NoReload, IsolatedHome bool
	Type, Entry, Command   string
	BaseURL                string
	Installer              localcloud.Installer
	DevLogin               bool
	DevUsers               []string // EMAIL[,group...]; empty means two example users
	Timeout                time.Duration
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = func(ctx context.Context, o *Options) error { return o.Run(ctx, nil) }
	}
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the app on this machine, behind its login",
		Long: "Build the project's environment, start the app and serve it on this machine behind the login that\n" +
			"it will have when it is deployed. No account is needed. Ctrl-C stops everything.\n\n" +
			"The app is detected: app.py, main.py and other usual names, the only script that imports a framework, a\n" +
			"notebook, app.R, a Dockerfile, a Procfile. --entry names another file, --command a command that listens\n" +
			"on $PORT. When a file is saved, the app is reloaded.\n\n" +
			"With OpenID Connect (Auth0 and others), this machine's URLs must be registered with the provider; up prints\n" +
			"them. --dev-login needs no provider: it runs one that asks for no password.",
		Example: "  ploomber-cloud up\n" +
			"  ploomber-cloud up --port 9000 --open\n" +
			"  ploomber-cloud up --entry src/dashboard.py\n" +
			"  ploomber-cloud up --entry shop/web.py:make_app\n" +
			"  ploomber-cloud up --command 'node server.js'\n" +
			"  ploomber-cloud up --dev-login                # try the login, as one of two example users\n" +
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
	f.StringVar(&o.Entry, "entry", "", "`FILE` that starts the app, or FILE:NAME with the object to serve (default: detected)")
	f.StringVar(&o.Command, "command", "", "`COMMAND` that starts the app, which must listen on 127.0.0.1:$PORT")
	f.BoolVar(&o.NoReload, "no-reload", false, "keep running the old code when a file is saved")
	f.BoolVar(&o.IsolatedHome, "isolated-home", false, "give the app its own home folder, as in a deployment")
	f.BoolVar(&o.NoBuild, "no-build", false, "reuse the environment of the last run")
	f.BoolVar(&o.Open, "open", false, "open the app in the browser")
	f.BoolVar(&o.Public, "public", false, "serve the app even if it has no login")
	f.StringVar(&o.BaseURL, "base-url", "", "public `URL` of the app, such as a tunnel's (default: this machine's)")
	f.BoolVar(&o.DevLogin, "dev-login", false, "log in with a provider on this machine that asks for no password")
	f.StringArrayVar(&o.DevUsers, "dev-user", nil, "a user of --dev-login, `EMAIL[,GROUP...]`; repeatable")
	f.DurationVar(&o.Timeout, "timeout", 90*time.Second, "how long to wait for the app to answer: `TIME`, such as 2m")
	flagset.OneOf(c, &o.Installer, "installer", "package installer; auto is uv, or pip if uv fails", localcloud.Installers())
	flagset.OneOf(c, &o.Type, "type", "framework of the app (default: the project's type, or detected)", types())
	flagset.Config(c, &o.Folder.Config)
	return c
}

// types are the frameworks that can be named.
func types() []string {
	var names []string
	for _, f := range platform.Frameworks() {
		if f != platform.Shell { // set by --command instead
			names = append(names, string(f))
		}
	}
	return names
}

// Served describes an app that responds.
type Served struct {
	URL       string   `json:"url"` // its public address
	Type      string   `json:"type"`
	Entry     string   `json:"entry"`     // the file or command that starts it
	Protected []string `json:"protected"` // what is protected and how, in words

	*scaffold.Registration           // what to register at the provider; nil if there is none
	DevLogin               *DevLogin `json:"dev_login,omitempty"`
}

// DevLogin describes the development provider.
type DevLogin struct {
	Issuer string   `json:"issuer"`
	Users  []string `json:"users"` // e-mail addresses to choose from; any other can be typed
}

// Run serves the project until ctx ends. If ready is not nil it is called once the app responds, and the run ends
// when it returns.
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
		return failure.Failedf("cannot determine the folder for the app's environment: %w", err)
	}
	dir, err := filepath.Abs(o.Folder.Dir)
	if err != nil {
		return failure.Failedf("cannot determine the current folder: %w", err)
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
		o.IO.Err.Note("it is already served at %s", local)
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
	return failure.New(failure.Interrupted, "") // stopping was already announced
}
