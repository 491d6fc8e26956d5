// Package deploycmd deploys the project to the platform.
package deploycmd

import (
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
	IO       *term.IO
	Deploy   dialog.Deploy // Folder.Config, PruneSecrets, AllowSecrets and AllowLinks are flags
	Settings *settings.Settings
	Workflow flow.Workflow
	Now      func() time.Time
	Sleep    func(context.Context, time.Duration) error
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Watch, Incremental bool
	DryRun, ListFiles  bool
	Timeout            time.Duration
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = Run
	}
	c := &cobra.Command{
		Use:         "deploy",
		Annotations: failure.Statuses(failure.NotAllowed, failure.Deployment, failure.TimedOut),
		Short:       "Deploy the project",
		Long: "Zip the project without its secrets, send it to the platform and, with --watch, follow it until it runs.\n" +
			"The values of .env go along as the app's secrets; the file itself does not.",
		Example: "  ploomber-cloud deploy\n" +
			"  ploomber-cloud deploy --watch                  # until it runs; exit status 4 if it fails\n" +
			"  ploomber-cloud deploy --message \"new chart\"    # shown by 'deployments'\n" +
			"  ploomber-cloud deploy --list-files             # what ships, and why\n" +
			"  ploomber-cloud deploy --dry-run\n" +
			"  ploomber-cloud deploy --config staging.json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.Watch && o.Incremental: // exit status 1, like the reference tool
				return failure.Failedf("You should pass either --watch or --watch-incremental, not both.")
			case o.Timeout <= 0:
				return failure.Usagef("--timeout must be greater than zero, such as 15m")
			case !c.Flags().Changed("timeout"): // the default is for following only: a large upload may take longer
				return run(c.Context(), &o)
			}
			return flagset.Within(c.Context(), o.Timeout, "the project could not be deployed", func(ctx context.Context) error {
				return run(ctx, &o)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Watch, "watch", false, "follow the deployment until it runs")
	f.BoolVar(&o.Incremental, "watch-incremental", false, "follow it and fetch only new log lines")
	f.DurationVar(&o.Timeout, "timeout", flow.DefaultTimeout, "give up after `TIME`, such as 30m; the default applies only with --watch")
	f.BoolVar(&o.DryRun, "dry-run", false, "show what would be uploaded, without uploading")
	f.BoolVar(&o.ListFiles, "list-files", false, "list each file and the rule that includes or excludes it, without uploading")
	f.StringVar(&o.Deploy.Message, "message", "", "`TEXT` for the list of deployments, such as what is new")
	f.BoolVar(&o.Deploy.PruneSecrets, "prune-secrets", false, "remove secrets that the last deployment had and this one does not")
	f.StringArrayVar(&o.Deploy.AllowSecrets, "allow-secret", nil, "include `FILE` even though it looks like a secret (repeatable)")
	f.StringArrayVar(&o.Deploy.AllowLinks, "allow-link", nil, "include the target of link `NAME`, even if it is outside the project or a folder (repeatable)")
	flagset.Config(c, &o.Deploy.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	ProjectID  string `json:"project_id"`
	JobID      string `json:"job_id"`
	StatusPage string `json:"status_page"`
	Status     string `json:"status,omitempty"` // with --watch: the last status seen, also if the deployment failed
	URL        string `json:"url,omitempty"`    // the app's, after --watch
	dialog.Reason
}

// Run deploys according to Flags.
func Run(ctx context.Context, o *Options) error {
	if o.ListFiles {
		return o.listFiles(ctx)
	}
	o.Deploy.Search = o.DryRun
	p, err := o.Deploy.Prepare(ctx)
	if err != nil {
		return err
	}
	if o.DryRun {
		return o.show(p)
	}
	r, err := o.ship(ctx, p)
	if o.IO.JSON && r.JobID != "" {
		if shown := o.IO.Result(r, nil); err == nil {
			err = shown
		}
	}
	return err
}

// Ship deploys a package that was prepared elsewhere, and returns what --json prints; nil if nothing was deployed.
func Ship(ctx context.Context, o *Options, p *flow.Package) (any, error) {
	r, err := o.ship(ctx, p)
	if r.JobID == "" {
		return nil, err
	}
	return r, err
}

// ship deploys a package and shows what comes of it, unless the result is to be JSON.
func (o *Options) ship(ctx context.Context, p *flow.Package) (r result, err error) {
	// A configuration error must not surface once the deployment is under way.
	interval, err := o.Settings.PollInterval()
	if err != nil {
		return r, err
	}
	if _, err := o.Settings.ProjectPage(p.Config.ID); err != nil {
		return r, err
	}
	sent, err := o.Deploy.Send(ctx, p)
	if err != nil {
		return r, err
	}
	r = result{ProjectID: sent.ProjectID, JobID: sent.ID, StatusPage: sent.StatusPage}
	if r.StatusPage == "" {
		if r.StatusPage, err = o.Settings.StatusPage(sent.ProjectID, sent.ID); err != nil {
			return r, err
		}
	}
	if !o.IO.JSON {
		o.IO.Out.Printf("The deployment process started! Track its status at: %s\n", r.StatusPage)
	}
	if o.Watch || o.Incremental {
		var seen flow.Outcome
		seen, err = o.watch(ctx, interval, flow.Job{ProjectID: sent.ProjectID, ID: sent.ID})
		r.Status, r.URL, r.Reason = seen.Status, seen.URL, dialog.ReasonOf(seen.Condition)
	}
	if err != nil {
		return r, err
	}
	dialog.SuggestWorkflow(ctx, o.IO.Err, o.Workflow, p.Config.SecretKeys)
	if r.Status != "" && !o.IO.JSON {
		o.IO.Out.Printf("%s\nView your deployed app: %s\n", o.IO.Out.Green("Deployment success."), r.URL)
	}
	return r, nil
}

func (o *Options) watch(ctx context.Context, interval time.Duration, job flow.Job) (flow.Outcome, error) {
	api, err := o.Deploy.Connect()
	if err != nil {
		return flow.Outcome{}, err
	}
	return dialog.Follow(ctx, o.IO.Err, &flow.Watcher{
		API: api, Interval: interval, Timeout: o.Timeout, Incremental: o.Incremental, Now: o.Now, Sleep: o.Sleep, Known: true,
	}, job)
}
