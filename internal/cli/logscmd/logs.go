// Package logscmd shows the logs of a deployment.
package logscmd

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
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
	Type             string // "docker", "web" or "" for both
	Follow           bool
	Since            string
	Tail             int // lines; negative means all
	Timestamps       bool
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = logs
	}
	c := &cobra.Command{
		Use:         "logs",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Show the logs of a deployment",
		Long:        "Show the build log (docker) and the app's log (web) of a deployment: the given one, or a project's newest.",
		Example: "  ploomber-cloud logs                               # this folder's project\n" +
			"  ploomber-cloud logs --project-id my-app-1234\n" +
			"  ploomber-cloud logs --job-id 0123456789 --type docker\n" +
			"  ploomber-cloud logs --project-id my-app-1234 --type web --tail 50 --follow\n" +
			"  ploomber-cloud logs --project-id my-app-1234 --since 10m",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch { // exit status 1, like the reference tool
			case o.Type != "" && o.Type != "docker" && o.Type != "web":
				return failure.Failedf("--type %s: %w", o.Type, flagset.Unknown("kind of log", o.Type, []string{"docker", "web"}))
			case c.Flags().Changed("tail") && o.Tail < 0:
				return failure.Usagef("--tail must be a number of lines, 0 or more")
			}
			if o.JobID == "" && o.ProjectID == "" {
				there, err := o.Folder.Initialised()
				if err == nil && !there {
					return failure.Failedf("one of --job-id or --project-id must be given if there is no %s", project.FileName)
				}
				if o.ProjectID, err = o.Folder.ProjectID(""); err != nil {
					return err
				}
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.JobID, "job-id", "", "the deployment's `ID`")
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`, for its newest deployment (default: this folder's)", o.CompleteProjects)
	f.StringVar(&o.Type, "type", "", "`KIND` of log: docker or web (default: both)")
	f.BoolVar(&o.Follow, "follow", false, "keep printing new lines until interrupted")
	f.StringVar(&o.Since, "since", "", "only lines after `TIME`: 10m, or 2024-05-01T10:00:00Z")
	f.BoolVar(&o.Timestamps, "timestamps", false, "begin each line with a timestamp: its own, else when it was received")
	f.IntVar(&o.Tail, "tail", -1, "only the last `N` lines of each log (default: all)")
	f.Lookup("tail").DefValue = "0" // the default is not shown: -1 means nothing to a user
	flagset.Complete(c, "type", flagset.Fixed("docker", "web"))
	return c
}

// retryStream is the wait before a stream is opened again.
const retryStream = time.Second

// result is what --json prints, with --follow one object for what is new.
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
		if o.Follow && !o.Settings.Hosted() {
			o.JobID = job
			if err := o.stream(ctx, api); !errors.Is(err, cloudapi.ErrUnsupported) {
				return err
			}
		}
	}
	v := &viewer{Options: o, job: job}
	for troubled := false; ; {
		now, err := api.Logs(ctx, job, since)
		var told *cloudapi.Error
		switch {
		case err == nil:
			troubled = false
			err = v.show(now)
		case o.Follow && !o.Settings.Hosted() && errors.As(err, &told) && told.Passing():
			if !troubled {
				o.IO.Err.Warn("%v. Trying again.", err)
			}
			troubled, err = true, nil
		}
		if err != nil || !o.Follow {
			return err
		}
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

// viewer prints the logs of a job, each line once.
type viewer struct {
	*Options
	job        string
	build, app flow.Transcript
	begun      bool
}

// show prints what is new since the last call.
func (v *viewer) show(now cloudapi.Logs) error {
	first := !v.begun
	v.begun = true
	r := result{JobID: v.job}
	if v.Type != "web" {
		r.Build = v.fresh(&v.build, now.Build, first)
	}
	if v.Type != "docker" {
		r.App = v.fresh(&v.app, now.App, first)
	}
	if !first && (r.Build == nil || *r.Build == "") && (r.App == nil || *r.App == "") {
		return nil
	}
	return v.IO.Result(r, func(out *term.Stream) {
		for _, l := range []struct {
			title string
			text  *string
		}{{"Build log", r.Build}, {"App log", r.App}} {
			switch {
			case l.text == nil, !first && *l.text == "":
			case v.Type != "" && *l.text != "":
				out.Println(*l.text)
			case *l.text == "":
				out.Printf("%s\nWaiting for logs...\n", out.Bold(l.title))
			default:
				out.Printf("%s\n%s\n", out.Bold(l.title), *l.text)
			}
		}
	})
}

func (o *Options) fresh(shown *flow.Transcript, now string, first bool) *string {
	text := strings.TrimRight(shown.Add(now), "\n")
	if first && o.Tail >= 0 {
		lines := strings.Split(text, "\n")
		text = strings.Join(lines[max(0, len(lines)-o.Tail):], "\n")
	}
	if o.Timestamps {
		text = o.timed(text)
	}
	text = term.Plain(text)
	return &text
}

// timed prefixes each line with the time it was received, unless it has a timestamp of its own.
func (o *Options) timed(text string) string {
	if text == "" {
		return ""
	}
	seen := o.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if _, own := flow.LineTime(line); !own {
			lines[i] = seen + " " + line
		}
	}
	return strings.Join(lines, "\n")
}
