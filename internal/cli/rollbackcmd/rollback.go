// Package rollbackcmd returns a project to an earlier deployment.
package rollbackcmd

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Folder           flow.Folder // Folder.Config is a flag
	Connect          flow.Connect
	Settings         *settings.Settings
	Now              func() time.Time
	Sleep            func(context.Context, time.Duration) error
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Number    int // 0: the deployment before the current one
	ProjectID string
	Watch     bool
	Timeout   time.Duration
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = rollback
	}
	c := &cobra.Command{
		Use:         "rollback [NUMBER]",
		Annotations: failure.Statuses(failure.NotAllowed, failure.Deployment, failure.TimedOut),
		Short:       "Return to an earlier deployment",
		Long: "Deploy again what an earlier deployment of this folder's project consisted of: its files, packages, secrets and\n" +
			"settings. Without NUMBER it is the one before the current one. Nothing in this folder is read or changed, apart\n" +
			"from the project's id. Needs a platform of 'ploomber-cloud platform serve'.",
		Example: "  ploomber-cloud deployments                     # the numbers\n" +
			"  ploomber-cloud rollback\n" +
			"  ploomber-cloud rollback 3 --watch              # until it runs; exit status 4 if it fails",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				n, err := strconv.Atoi(args[0])
				if err != nil || n < 1 {
					return failure.Usagef("NUMBER must be the number of a deployment").WithHint("'ploomber-cloud deployments' lists them")
				}
				o.Number = n
			}
			if o.Timeout <= 0 {
				return failure.Usagef("--timeout must be greater than zero, such as 15m")
			}
			return flagset.Within(c.Context(), o.Timeout, "the rollback could not be followed", func(ctx context.Context) error {
				return run(ctx, &o)
			})
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f := c.Flags()
	f.BoolVar(&o.Watch, "watch", false, "follow the deployment until it runs")
	f.DurationVar(&o.Timeout, "timeout", flow.DefaultTimeout, "give up after `TIME`, such as 30m")
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; that of the configuration if not given", o.CompleteProjects)
	flagset.Config(c, &o.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	ProjectID string `json:"project_id"`
	JobID     string `json:"job_id"`
	Number    int    `json:"number"`           // of the new deployment
	Status    string `json:"status,omitempty"` // with --watch: the last status seen, also if the deployment failed
	URL       string `json:"url,omitempty"`    // the app's, after --watch
	dialog.Reason
}

func rollback(ctx context.Context, o *Options) error {
	id, err := o.Folder.ProjectID(o.ProjectID)
	if err != nil {
		return err
	}
	interval, err := o.Settings.PollInterval()
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	d, err := api.Rollback(ctx, id, o.Number)
	if err != nil {
		return err
	}
	r := result{ProjectID: id, JobID: d.ID, Number: d.Number}
	if !o.IO.JSON {
		o.IO.Out.Printf("Deployment %d of %s has started: %s.\n", d.Number, term.Printable(id), o.what())
	}
	var failed error
	if o.Watch {
		var seen flow.Outcome
		seen, failed = o.watch(ctx, api, interval, flow.Job{ProjectID: id, ID: d.ID})
		r.Status, r.URL, r.Reason = seen.Status, seen.URL, dialog.ReasonOf(seen.Condition)
	}
	shown := o.IO.Result(r, func(out *term.Stream) {
		switch {
		case failed != nil:
		case o.Watch:
			out.Printf("%s\nView your deployed app: %s\n", out.Green("Deployment success."), r.URL)
		default:
			out.Println("Follow it with 'ploomber-cloud watch'.")
		}
	})
	if failed != nil {
		return failed
	}
	return shown
}

// what names the deployment that is repeated.
func (o *Options) what() string {
	if o.Number == 0 {
		return "a repetition of the one before the current one"
	}
	return "a repetition of number " + strconv.Itoa(o.Number)
}

func (o *Options) watch(ctx context.Context, api *cloudapi.Client, interval time.Duration, job flow.Job) (flow.Outcome, error) {
	return dialog.Follow(ctx, o.IO.Err, &flow.Watcher{
		API: api, Interval: interval, Timeout: o.Timeout, Now: o.Now, Sleep: o.Sleep, Known: true,
	}, job)
}
