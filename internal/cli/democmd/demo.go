// Package democmd deploys a protected example app without an account: it starts a platform, copies an example, makes it a
// project with a login, and deploys it.
package democmd

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	TempDir func() string
	Now     func() time.Time
	Random  io.Reader

	// Start starts a platform that keeps everything in an empty folder and serves apps at a port, 0 for any that is free.
	Start func(ctx context.Context, dir string, port int) (Platform, error)
	Flags
}

// Platform is the platform that the demo deploys to.
type Platform interface {
	// Create makes a project of a type. Its app will be at url.
	Create(ctx context.Context, framework string) (id, url string, err error)
	// Deploy deploys the project in a folder like 'deploy --watch', and returns once its app runs.
	Deploy(ctx context.Context, dir string) error
	// Close ends the platform and its apps.
	Close()
}

// Flags are the values set on the command line.
type Flags struct {
	Example string
	Check   bool
	Port    int
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = demo
	}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Deploy an example app to a platform on this machine, without an account",
		Long: "Start a platform in a temporary folder, copy an example app, put a login in front of it and deploy it. The\n" +
			"app-with-auth0 examples get the OpenID Connect login of 'templates auth0', with a provider on this machine that\n" +
			"asks for no password; the others get a user name and a password. The first run downloads the app's packages, some\n" +
			"100 MB, and keeps about 400 MB in the cache folder. With --check the demo logs in as a user would, verifies that\n" +
			"the app cannot be reached without logging in, and exits.",
		Example: "  ploomber-cloud demo\n" +
			"  ploomber-cloud demo --example dash/basic-app     # with a password\n" +
			"  ploomber-cloud demo --check",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("port") && (o.Port < 1 || o.Port > 65535) {
				return failure.Usagef("--port must be from 1 to 65535")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.Example, "example", "streamlit/app-with-auth0", "the `EXAMPLE` to run")
	f.BoolVar(&o.Check, "check", false, "log in, verify that the app cannot be reached without logging in, and exit")
	f.IntVar(&o.Port, "port", 0, "serve the app at `PORT` of this machine (default: 8080, or another free one)")
	flagset.Complete(c, "example", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return catalog.Embedded().Names(), cobra.ShellCompDirectiveNoFileComp // reads the examples, so not on every start
	})
	return c
}

// withProvider is the name of the examples that use a provider's login.
const withProvider = "app-with-auth0"

// journey is one way to protect an app: the commands to type, what to show and what to check.
type journey interface {
	protect(dir, framework, id, url string) error
	show(ctx context.Context, url string) error
	check(ctx context.Context, url string) error
}

func demo(ctx context.Context, o *Options) error {
	framework, name, _ := strings.Cut(o.Example, "/")
	example, err := catalog.Embedded().Find(framework, name)
	if err != nil {
		return failure.Usagef("%w", err).WithHint("the examples: %s", strings.Join(catalog.Embedded().Names(), ", "))
	}
	top, err := os.MkdirTemp(o.TempDir(), "ploomber-cloud-demo-*")
	if err != nil {
		return failure.Failedf("cannot create a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(top) }() // in the system's temporary folder, which the system cleans up
	o.step("platform serve")
	cloud, err := o.Start(ctx, filepath.Join(top, "platform"), o.Port)
	if err != nil {
		return err
	}
	defer cloud.Close()
	dir := filepath.Join(top, example.Name)
	o.step("examples %s", o.Example)
	if err := example.CopyTo(ctx, dir); err != nil {
		return err
	}
	var way journey = &withPassword{Options: o}
	if name == withProvider {
		dev, err := o.startProvider(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = dev.Close() }() // read-only: nothing to lose
		way = &withLogin{Options: o, dev: dev, framework: framework}
	}
	o.step("init --type %s", framework)
	id, url, err := cloud.Create(ctx, framework)
	if err != nil {
		return err
	}
	if err := way.protect(dir, framework, id, url); err != nil {
		return err
	}
	o.step("deploy --watch")
	if err := cloud.Deploy(ctx, dir); err != nil {
		return err
	}
	if o.Check {
		return way.check(ctx, url)
	}
	if err := way.show(ctx, url); err != nil {
		return err
	}
	<-ctx.Done()
	o.IO.Err.Note("stopping the demo")
	return failure.New(failure.Interrupted, "")
}

// step shows the command that a user would type for this step.
func (o *Options) step(format string, args ...any) {
	o.IO.Err.Note(o.IO.Err.Faint("$ ploomber-cloud ")+o.IO.Err.Bold(format), args...)
}

// ok reports a passed check.
func (o *Options) ok(format string, args ...any) { o.IO.Err.Note("  ok  "+format, args...) }

func (o *Options) end() {
	o.IO.Err.Note("Press Ctrl-C to stop the demo; its platform, app and login are removed.")
}
