// Package watchcmd follows a deployment that was started elsewhere.
package watchcmd

import (
	"cmp"
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Folder           flow.Folder
	Connect          flow.Connect
	Settings         *settings.Settings
	Now              func() time.Time
	Sleep            func(context.Context, time.Duration) error
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	ProjectID, JobID string
	Timeout          time.Duration
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = watch
	}
	c := &cobra.Command{
		Use:         "watch",
		Annotations: failure.Statuses(failure.NotAllowed, failure.Deployment, failure.TimedOut),
		Short:       "Follow a deployment until it runs",
		Long: "Follow the newest deployment of a project, or the given one, until it runs or fails (exit status 4).\n" +
			"Temporary failures of the network or the platform are retried until the time limit.",
		Example: "  ploomber-cloud watch                              # this folder's project\n" +
			"  ploomber-cloud watch --project-id my-app-1234\n" +
			"  ploomber-cloud watch --project-id my-app-1234 --job-id 0123456789 --timeout 30m",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Timeout <= 0 {
				return failure.Usagef("--timeout must be greater than zero, such as 15m")
			}
			var err error
			if o.ProjectID, err = o.Folder.NamedProject(o.ProjectID); err != nil {
				return err
			}
			return flagset.Within(c.Context(), o.Timeout, "the deployment could not be followed", func(ctx context.Context) error {
				return run(ctx, &o)
			})
		},
	}
	f := c.Flags()
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; this folder's if not given", o.CompleteProjects)
	f.StringVar(&o.JobID, "job-id", "", "the deployment's `ID`; the newest if not given")
	f.DurationVar(&o.Timeout, "timeout", flow.DefaultTimeout, "give up after `TIME`, such as 30m")
	return c
}

// result is what --json prints.
type result struct {
	ProjectID string `json:"project_id"`
	JobID     string `json:"job_id"`
	Status    string `json:"status"` // last status seen, also if watching failed; may be ""
	URL       string `json:"url"`
	dialog.Reason
}

func watch(ctx context.Context, o *Options) error {
	interval, err := o.Settings.PollInterval()
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	w := flow.Watcher{
		API: api, Interval: interval, Timeout: o.Timeout, Now: o.Now, Sleep: o.Sleep,
		Trouble: dialog.ShowTrouble(o.IO.Err), Gone: o.Settings.Hosted(),
	}
	job := flow.Job{ProjectID: o.ProjectID, ID: o.JobID}
	if job.ID == "" {
		if job.ID, err = w.Newest(ctx, o.ProjectID); err != nil {
			return err
		}
	}
	page, err := o.Settings.StatusPage(job.ProjectID, job.ID)
	if err != nil {
		return err
	}
	w.Seen = o.tellPage(page, dialog.ShowLooks(o.IO.Err))
	seen, failed := dialog.Follow(ctx, o.IO.Err, &w, job)
	r := result{job.ProjectID, job.ID, seen.Status, seen.URL, dialog.ReasonOf(seen.Condition)}
	err = o.IO.Result(r, func(out *term.Stream) {
		if failed == nil {
			out.Printf("%s\nView your deployed app: %s\n", out.Green("Deployment success."), seen.URL)
		}
	})
	if failed != nil {
		return failed
	}
	return err
}

// tellPage prints the status page, as the platform has it or else the given one, before the first look is shown.
func (o *Options) tellPage(page string, seen func(flow.Look)) func(flow.Look) {
	told := false
	return func(l flow.Look) {
		if !told {
			told = true
			o.IO.Err.Note("Web status page: %s", cmp.Or(l.StatusPage, page))
		}
		seen(l)
	}
}
