// Package logscmd shows the logs of a deployment.
package logscmd

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
	Connect          flow.Connect
	Settings         *settings.Settings
	Now              func() time.Time
	Sleep            func(context.Context, time.Duration) error
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are what the command line decides.
type Flags struct {
	ProjectID, JobID string
	Type             string // "docker", "web" or "" for both
	Follow           bool
	Since            string
	Tail             int // lines; negative means all
}

// New builds the command. run is nil in production; a parse test passes its own to look at Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = logs
	}
	c := &cobra.Command{
		Use:   "logs",
		Short: "Show the logs of a deployment",
		Long:  "Show the build log (docker) and the app's log (web) of a deployment: the given one, or a project's newest.",
		Example: "  ploomber-cloud logs --project-id my-app-1234\n" +
			"  ploomber-cloud logs --job-id 0123456789 --type docker\n" +
			"  ploomber-cloud logs --project-id my-app-1234 --type web --tail 50 --follow\n" +
			"  ploomber-cloud logs --project-id my-app-1234 --since 10m",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch { // exit status 1, as the reference tool's
			case o.Type != "" && o.Type != "docker" && o.Type != "web":
				return failure.Failedf("--type %s: %w", o.Type, flagset.Unknown("kind of log", o.Type, []string{"docker", "web"}))
			case o.JobID == "" && o.ProjectID == "":
				return failure.Failedf("one of --job-id or --project-id must be given")
			case c.Flags().Changed("tail") && o.Tail < 0:
				return failure.Usagef("--tail must be a number of lines, 0 or more")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.JobID, "job-id", "", "the deployment's `ID`")
	f.StringVar(&o.ProjectID, "project-id", "", "the project's `ID`: its newest deployment")
	f.StringVar(&o.Type, "type", "", "`KIND` of log: docker or web; both if not given")
	f.BoolVar(&o.Follow, "follow", false, "go on with new lines until interrupted")
	f.StringVar(&o.Since, "since", "", "only lines after `TIME`: 10m, or 2024-05-01T10:00:00Z")
	f.IntVar(&o.Tail, "tail", -1, "only the last `N` lines of each log")
	flagset.Complete(c, "project-id", o.CompleteProjects)
	flagset.Complete(c, "type", flagset.Fixed("docker", "web"))
	return c
}

// result is what --json prints, one object for each look with --follow.
type result struct {
	JobID string  `json:"job_id"`
	Build *string `json:"build,omitempty"`
	App   *string `json:"app,omitempty"`
}

func logs(ctx context.Context, o *Options) error {
	since, err := o.since()
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
	job := o.JobID
	if job == "" {
		if job, err = flow.LatestJob(ctx, api, o.ProjectID); err != nil {
			return err
		}
	}
	var before cloudapi.Logs
	for first := true; ; first = false {
		now, err := api.Logs(ctx, job, since)
		if err != nil {
			return err
		}
		if err := o.show(job, before, now, first); err != nil {
			return err
		}
		if !o.Follow {
			return nil
		}
		before = now
		if err := o.Sleep(ctx, interval); err != nil {
			return err
		}
	}
}

func (o *Options) since() (time.Time, error) {
	if o.Since == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(o.Since); err == nil && d > 0 {
		return o.Now().Add(-d), nil
	}
	if t, err := time.Parse(time.RFC3339, o.Since); err == nil {
		return t, nil
	}
	return time.Time{}, failure.Usagef("--since must be a time span such as 10m, or a time such as 2024-05-01T10:00:00Z")
}

// show writes what is new since the look before.
func (o *Options) show(job string, before, now cloudapi.Logs, first bool) error {
	r := result{JobID: job}
	if o.Type != "web" {
		r.Build = o.fresh(before.Build, now.Build, first)
	}
	if o.Type != "docker" {
		r.App = o.fresh(before.App, now.App, first)
	}
	if !first && (r.Build == nil || *r.Build == "") && (r.App == nil || *r.App == "") {
		return nil
	}
	return o.IO.Result(r, func(out *term.Stream) {
		for _, l := range []struct {
			title string
			text  *string
		}{{"Build log", r.Build}, {"App log", r.App}} {
			switch {
			case l.text == nil, !first && *l.text == "":
			case o.Type != "" && *l.text != "":
				out.Println(*l.text)
			case *l.text == "":
				out.Printf("%s\nWaiting for logs...\n", out.Bold(l.title))
			default:
				out.Printf("%s\n%s\n", out.Bold(l.title), *l.text)
			}
		}
	})
}

func (o *Options) fresh(before, now string, first bool) *string {
	text := strings.TrimRight(flow.Unseen(before, now), "\n")
	if first && o.Tail >= 0 {
		lines := strings.Split(text, "\n")
		text = strings.Join(lines[max(0, len(lines)-o.Tail):], "\n")
	}
	if o.IO.Out.TTY() { // into a file or pipe it goes as it is
		text = term.Plain(text)
	}
	return &text
}
