// Package proxycmd runs the login in front of an app that was started by other means, for example as a sidecar. It
// reads the configuration, opens the listeners and serves until it receives a signal. Logins and request handling
// belong to package authproxy.
package proxycmd

import (
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// Options holds what one run needs; the command line and PLOOMBER_PROXY_* fill Flags and two of Folder's fields,
// the root everything else.
type Options struct {
	IO      *term.IO
	Folder  flow.Folder // Folder.Config and Folder.EnvFile are flags
	Lookup  flow.Lookup
	Environ func() []string // NAME=value
	Now     func() time.Time
	Random  io.Reader
	Verbose func() bool
	Version string
	// Transport connects to providers; created on first use.
	Transport func() (http.RoundTripper, error)
	// Authorities are trusted for the app's certificate, loaded on first use; nil means the system's.
	Authorities func() (*x509.CertPool, error)
	// Signals starts to deliver the signals that end or reload the proxy; stop restores their default effect.
	Signals func() (signals <-chan os.Signal, stop func())
	// Machine provides facts about the network of this machine.
	Machine Machine
	Flags

	bcryptCost int // cost of password hashing; 0, the default, in production

	variables flagset.Variables
	wrong     mistakes // errors in the variables
}

// Machine is what the proxy needs to know about the network, besides listening.
type Machine struct {
	Listen    func(ctx context.Context, address string) (net.Listener, error) // TCP
	Resolve   func(ctx context.Context, host string) ([]netip.Addr, error)
	Addresses func() ([]netip.Addr, error) // addresses of this machine's interfaces
}

// Flags are the values set on the command line or in the environment.
type Flags struct {
	Upstream, Listen, PrivateListen string
	Public, Check, PrintConfig      bool
	Feature                         config.Feature // protects everything; empty for the rules of the project
	SessionStore                    string
	TLSCert, TLSKey                 string
	Log                             flagset.Log
	ShutdownTimeout                 time.Duration
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = func(ctx context.Context, o *Options) error { return o.Run(ctx) }
	}
	c := &cobra.Command{
		Use:   "proxy",
		Short: "Put the project's login in front of a running app",
		Long: "Serve a running app, including WebSockets, behind the project's login: as a sidecar container, or on a server.\n" +
			"The login is read from the environment (AUTH_*, username_<feature>, password_<feature>), then from .env and\n" +
			"ploomber-cloud.json, if they exist. SIGTERM finishes in-flight requests and exits; SIGHUP reloads credentials and\n" +
			"certificates. Each flag has a variable: PLOOMBER_PROXY_LISTEN for --listen.",
		Example: "  ploomber-cloud proxy --upstream http://127.0.0.1:8501\n" +
			"  ploomber-cloud proxy --upstream http://app:8501 --listen :443 --tls-cert tls.crt --tls-key tls.key\n" +
			"  ploomber-cloud proxy --upstream http://127.0.0.1:8501 --private-listen 127.0.0.1:9090   # health, metrics\n" +
			"  ploomber-cloud proxy --check                  # validate the configuration\n" +
			"  ploomber-cloud proxy --print-config",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return failure.Usagef("proxy takes no argument: %q", args[0]).WithHint("name the app with --upstream")
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			o.variables.Set(c, func(name string, err error) { o.wrong.addf(name, "%w", err) })
			if o.ShutdownTimeout < 0 {
				return failure.Usagef("%s must not be negative", o.named("shutdown-timeout"))
			}
			return run(c.Context(), &o)
		},
	}
	o.addFlags(c)
	return c
}

func (o *Options) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.Upstream, "upstream", "", "`URL` of the app, such as http://127.0.0.1:8501 or unix:/run/app.sock")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "public listener: `HOST:PORT`; :8080 listens on every address of this machine, as a container needs")
	f.StringVar(&o.Folder.EnvFile, "env-file", "", "`FILE` with variables that are not in the environment (default: .env, if it exists)")
	flagset.Config(c, &o.Folder.Config)
	f.BoolVar(&o.Public, "public", false, "serve even if nothing is protected")
	f.BoolVar(&o.Check, "check", false, "check the configuration and exit")
	f.BoolVar(&o.PrintConfig, "print-config", false, "print the configuration without secrets and exit")
	f.StringVar(&o.PrivateListen, "private-listen", "", "`HOST:PORT` of /healthz, /readyz and /metrics (default: none)")
	flagset.OneOf(c, &o.Feature, "feature", "require the login of this feature everywhere", config.Features())
	f.StringVar(&o.SessionStore, "session-store", "memory", "session store: `STORE` is memory, or sqlite:PATH, which survives a restart")
	f.StringVar(&o.TLSCert, "tls-cert", "", "PEM `FILE` with the certificate chain, for https")
	f.StringVar(&o.TLSKey, "tls-key", "", "PEM `FILE` with the certificate's private key")
	o.Log.Add(c)
	f.DurationVar(&o.ShutdownTimeout, "shutdown-timeout", defaultShutdown, "time limit for in-flight requests when the proxy stops: `TIME`, such as 30s")
	o.variables = flagset.Variables{Prefix: prefix, Command: "proxy", Lookup: o.Lookup, Environ: o.Environ}
	o.variables.Show(c)
}

// prefix begins the names of variables that set flags.
const prefix = "PLOOMBER_PROXY_"

// named returns the name under which the user set a setting: the variable, or the flag.
func (o *Options) named(flag string) string { return o.variables.Named(flag) }

// defaultShutdown is below the ten seconds after which container engines kill what they have asked to stop.
const defaultShutdown = 8 * time.Second

// Run checks, prints or serves, as the flags say.
func (o *Options) Run(ctx context.Context) error {
	p, err := o.plan(ctx)
	switch {
	case err != nil:
		return err
	case o.Check || o.PrintConfig:
		for _, w := range p.warnings {
			o.IO.Err.Warn("%s", w)
		}
		return o.show(p)
	}
	return o.serve(ctx, p)
}
