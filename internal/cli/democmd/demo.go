// Package democmd shows a protected app without an account: an example, made a project, given a password and
// served.
package democmd

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/catalog"
	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/scaffold"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	TempDir func() string
	Random  io.Reader

	// Serve runs the project in a folder behind its login, as 'up' does. It calls ready once the app answers at
	// url; the run ends when ready returns or ctx ends.
	Serve func(ctx context.Context, dir string, port int, ready func(ctx context.Context, url string) error) error
	Flags
}

// Flags are what the command line decides.
type Flags struct {
	Example string
	Check   bool
	Port    int
}

// New builds the command. run is nil in production; a parse test passes its own to look at Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = demo
	}
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show a protected app on this machine, without an account",
		Long: "Take an example app, give it a user and a password and run it here behind its login, in a folder that\n" +
			"is gone afterwards. With --check it proves that nobody gets in without the password, and ends.",
		Example: "  ploomber-cloud demo\n" +
			"  ploomber-cloud demo --example dash/basic-app\n" +
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
	f.StringVar(&o.Example, "example", "streamlit/basic-app", "the `EXAMPLE` to run")
	f.BoolVar(&o.Check, "check", false, "log in, prove that the password is needed, and end")
	f.IntVar(&o.Port, "port", 0, "serve at `PORT` of this machine (default: 8080, or the next free one)")
	flagset.Complete(c, "example", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return catalog.Embedded().Names(), cobra.ShellCompDirectiveNoFileComp // reads the examples: not at every start
	})
	return c
}

// account is the demo's only user.
type account struct {
	URL      string `json:"url"`
	Username string `json:"username"`
	Password string `json:"password"` // made for this run, and gone with it
	Checked  int    `json:"checked,omitempty"`
}

func demo(ctx context.Context, o *Options) error {
	framework, name, _ := strings.Cut(o.Example, "/")
	example, err := catalog.Embedded().Find(framework, name)
	if err != nil {
		return failure.Usagef("%w", err).WithHint("the examples: %s", strings.Join(catalog.Embedded().Names(), ", "))
	}
	top, err := os.MkdirTemp(o.TempDir(), "ploomber-cloud-demo-*")
	if err != nil {
		return failure.Failedf("cannot make a folder for the demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(top) }() // in the system's temporary folder, which is cleared by itself
	dir := filepath.Join(top, example.Name)
	o.step("examples %s", o.Example)
	if err := example.CopyTo(ctx, dir); err != nil {
		return err
	}
	who, err := o.protect(dir, framework)
	if err != nil {
		return err
	}
	o.step("up")
	return o.Serve(ctx, dir, o.Port, func(ctx context.Context, url string) error {
		who.URL = url
		if o.Check {
			return o.check(ctx, who)
		}
		return o.show(ctx, who)
	})
}

// step shows what a user would type for the same.
func (o *Options) step(format string, args ...any) {
	o.IO.Err.Note(o.IO.Err.Faint("$ ploomber-cloud ")+o.IO.Err.Bold(format), args...)
}

// protect makes the folder a project with a password, as init and 'auth --add' do for users with an account.
func (o *Options) protect(dir, framework string) (account, error) {
	o.step("init --type %s", framework)
	o.step("auth --add --feature main_app")
	who := account{Username: "demo"}
	secret, err := scaffold.NewSecret(o.Random)
	if err != nil {
		return who, err
	}
	who.Password = secret[:16] // 96 random bits
	env, err := dotenv.Parse(nil)
	if err != nil {
		return who, err
	}
	if err := env.Set(project.MainApp.UsernameKey(), who.Username); err != nil {
		return who, err
	}
	if err := env.Set(project.MainApp.PasswordKey(), who.Password); err != nil {
		return who, err
	}
	c := &project.Config{ID: "demo-" + framework, Type: framework}
	c.SetCredentials(project.MainApp, project.Reference(project.MainApp.UsernameKey(), project.MainApp.PasswordKey()))
	return who, flow.Folder{Dir: dir}.Save(c, env)
}

// show tells how to log in and waits for the end. The password is the demo's result, and nobody else's.
func (o *Options) show(ctx context.Context, who account) error {
	err := o.IO.Result(who, func(out *term.Stream) {
		out.Printf("\n  %s  %s\n  User      %s\n  Password  %s\n\n", out.Bold("Open    "), out.Green(who.URL), who.Username, who.Password)
		o.IO.Err.Note("Press Ctrl-C to end the demo; everything it made goes with it.")
	})
	if err != nil {
		return err
	}
	<-ctx.Done()
	return failure.New(failure.Interrupted, "stopped")
}
