// Package doctorcmd finds what prevents a project from being run or deployed, and says how to fix it. It changes
// nothing and prints no secrets.
package doctorcmd

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/internal/tier"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO        *term.IO
	Folder    flow.Folder // Folder.Config is a flag
	Settings  *settings.Settings
	Connect   flow.Connect
	Transport func() (http.RoundTripper, error)
	Environ   flow.Lookup
	OS        string // as runtime.GOOS
	Version   string

	// Run runs a program in the project folder and returns its output and exit status. The error, which wraps
	// exec.ErrNotFound if the program is not installed, means that it did not exit by itself.
	Run func(ctx context.Context, program string, args ...string) (output string, status int, err error)
	// Patience limits how long one check may wait for the network or a program; 0 means 5 s.
	Patience time.Duration
	Flags
}

// Flags are the values set on the command line.
type Flags struct{ Offline bool }

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = doctor
	}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems and say how to fix them",
		Long: "Check the API key, the connection to the platform, the project's configuration and secrets, the app that\n" +
			"'ploomber-cloud up' would run here and the programs it needs. It changes nothing and shows no secrets.\n" +
			"A problem ends with exit status 1; a warning, such as a missing account, does not.",
		Example: "  ploomber-cloud doctor\n" +
			"  ploomber-cloud doctor --offline        # without any request\n" +
			"  ploomber-cloud doctor --json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	c.Flags().BoolVar(&o.Offline, "offline", false, "make no request")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// Status is the outcome of a check.
type Status string

// The possible outcomes.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but should be changed
	Problem Status = "problem" // something cannot work
)

// report is what --json prints.
type report struct {
	OK       bool    `json:"ok"` // no problem was found
	Problems int     `json:"problems"`
	Warnings int     `json:"warnings"`
	Checks   []check `json:"checks"`
}

// check is one entry of the report.
type check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"` // "ok", "warning" or "problem"
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // how to fix it
}

// examination is one run: the findings, and what later checks need from earlier ones.
type examination struct {
	*Options
	checks []check
	config *project.Config // nil if there is no usable one
	env    *flow.Env       // nil where the secrets file cannot be read
	hasKey bool
	recipe *platform.Recipe // how to run the app here; nil if none was found

	plan      tier.Tier // the user's; the smallest if unknown
	knownPlan bool
}

func (e *examination) add(s Status, name, message, hint string) {
	e.checks = append(e.checks, check{name, s, message, hint})
}

// failed records err as a problem, with its hint if it has one.
func (e *examination) failed(name string, err error, hint string) {
	if own := failure.Hint(err); own != "" {
		hint = own
	}
	e.add(Problem, name, err.Error(), hint)
}

func (e *examination) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, e.waiting())
}

func doctor(ctx context.Context, o *Options) error {
	e := &examination{Options: o, plan: tier.All()[0]}
	e.add(OK, "program", "ploomber-cloud "+o.Version, "")
	for _, step := range []func(context.Context){ // later checks use the results of earlier ones
		e.home, e.key, e.network, e.platform,
		e.project, e.secretsFile, e.git, e.credentials, e.login,
		e.app, e.tools, e.archive,
	} {
		step(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	r := report{Checks: e.checks}
	for _, c := range e.checks {
		switch c.Status {
		case Problem:
			r.Problems++
		case Warning:
			r.Warnings++
		}
	}
	r.OK = r.Problems == 0
	if err := o.IO.Result(r, r.show); err != nil {
		return err
	}
	if !r.OK {
		return failure.Failedf("%s", count(r.Problems, "problem")+" found")
	}
	return nil
}
