// Package platformcmd runs a platform on this machine and manages its users. What a platform does is in package
// localcloud.
package platformcmd

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Lookup   func(name string) (string, bool)
	Environ  func() []string // NAME=value
	Settings *settings.Settings
	DataDir  func() (string, error) // default of --data
	Now      func() time.Time
	Random   io.Reader
	Verbose  func() bool
	Version  string
	Program  func() (string, error) // path of this program, for the service that install writes
	Root     func() bool            // whether the user is root
	// Signals starts to deliver the signals that end the platform; stop restores their default effect.
	Signals func() (signals <-chan os.Signal, stop func())
	Flags

	variables flagset.Variables
	wrong     []error // mistakes in the variables
}

// Flags are the values set on the command line or in the environment.
type Flags struct {
	Data                                   string
	APIListen, AppsListen, DashboardListen string
	PrivateListen                          string
	AppsDomain                             string
	PublicAPI, PublicApps, PublicDashboard string // URLs; "" for those of the listeners
	SleepAfter                             string
	TLSCert, TLSKey                        string
	WithoutTLS                             bool
	Log                                    flagset.Log
	Tier                                   string
	Name                                   string // argument of the user commands
	Apps, Print, Force                     bool
}

// New builds the command with its subcommands. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "platform",
		Short: "Run your own Ploomber Cloud on this machine",
		Long: "Run a platform on a laptop or a server: 'deploy' builds and starts apps on it, each with an address of its own\n" +
			"and behind its login. Unused apps sleep, and wake when someone opens them.",
		Example: "  ploomber-cloud platform serve\n" +
			"  ploomber-cloud platform user add ann --tier teams\n" +
			"  ploomber-cloud platform stop --apps",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	with := func(do func(context.Context, *Options) error) func(context.Context, *Options) error {
		if run != nil {
			return run
		}
		return do
	}
	c.AddCommand(o.newServe(with(serve)), o.newStop(with(stop)), o.newUser(with), o.newRotateSecrets(with(rotateSecrets)), o.newInstall(with(install)))
	return c
}

// dataFlag adds --data.
func (o *Options) dataFlag(c *cobra.Command) {
	c.Flags().StringVar(&o.Data, "data", "", "`DIR` with everything that the platform keeps (default: a folder of this user)")
}

// prefix begins the names of variables that set flags.
const prefix = "PLOOMBER_PLATFORM_"

// useVariables lets variables set the flags of c.
func (o *Options) useVariables(c *cobra.Command) {
	o.variables = flagset.Variables{Prefix: prefix, Command: "platform serve", Lookup: o.Lookup, Environ: o.Environ}
	o.variables.Show(c)
}

// dataFolder is the folder that --data names, its variable, or the default.
func (o *Options) dataFolder() (string, error) {
	if o.Data != "" {
		return o.Data, nil
	}
	if value, _ := o.Lookup(prefix + "DATA"); value != "" {
		return value, nil
	}
	dir, err := o.DataDir()
	if err != nil {
		return "", failure.Failedf("cannot determine the platform's data folder: %w", err).WithHint("name one with --data")
	}
	return dir, nil
}
