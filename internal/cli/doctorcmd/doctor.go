// Package doctorcmd looks for what keeps a project from being run or deployed, and says what to do about it. It
// changes nothing and prints no secret.
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

	// Run runs a program in the project folder and returns what it printed and its exit status. The error, which
	// wraps exec.ErrNotFound for a program that is not there, says that it did not end by itself.
	Run func(ctx context.Context, program string, args ...string) (output string, status int, err error)
	// Patience is how long one check may wait for the network or a program; 0 means 5 s.
	Patience time.Duration
	Flags
}

// Flags are what the command line decides.
type Flags struct{ Offline bool }

// New builds the command. run is nil in production; a parse test passes its own to look at Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = doctor
	}
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems and say how to fix them",
		Long: "Check the API key, the way to the platform, the project's configuration and secrets, the app that\n" +
			"'ploomber-cloud up' would run here and the programs that it needs. Nothing is changed and no secret is shown.\n" +
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

// Status is how a check ended.
type Status string

// The ends of a check.
const (
	OK      Status = "ok"
	Warning Status = "warning" // works, but should be changed
	Problem Status = "problem" // keeps something from working
)

// report is what --json prints.
type report struct {
	OK       bool    `json:"ok"` // there is no problem
	Problems int     `json:"problems"`
	Warnings int     `json:"warnings"`
	Checks   []check `json:"checks"`
}

// check is one entry of the report.
type check struct {
	Name    string `json:"name"`
	Status  Status `json:"status"` // "ok", "warning" or "problem"
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"` // what to do
}

// examination is one run: what was found, and what later checks know from earlier ones.
type examination struct {
	*Options
	checks []check
	config *project.Config // nil where there is no usable one
	env    *flow.Env       // nil where the secrets file cannot be read
	hasKey bool
	recipe *platform.Recipe // how the app is run here; nil where none was found

	plan      tier.Tier // the user's; the smallest where it is not known
	knownPlan bool
}

func (e *examination) add(s Status, name, message, hint string) {
	e.checks = append(e.checks, check{name, s, message, hint})
}

// failed adds the problem that err is, with its own hint where it has one.
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
	for _, step := range []func(context.Context){ // later ones use what earlier ones found
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
