// Package servicecmd starts and stops the app of a project.
package servicecmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Options holds what one run needs; the command line fills ProjectID, the root everything else.
type Options struct {
	IO               *term.IO
	Folder           flow.Folder
	Connect          flow.Connect
	CompleteProjects cobra.CompletionFunc
	ProjectID        string
}

// action is what differs between start and stop.
type action struct {
	verb, short, done string
	do                func(api *cloudapi.Client, ctx context.Context, jobID string) error
}

// NewStart builds the command start. run is nil in production; tests pass their own.
func NewStart(o Options, run func(context.Context, *Options) error) *cobra.Command {
	return build(o, run, action{"start", "Start a stopped app", "is starting", (*cloudapi.Client).StartService})
}

// NewStop builds the command stop. run is nil in production; tests pass their own.
func NewStop(o Options, run func(context.Context, *Options) error) *cobra.Command {
	return build(o, run, action{"stop", "Stop a running app", "is stopping", (*cloudapi.Client).StopService})
}

func build(o Options, run func(context.Context, *Options) error, a action) *cobra.Command {
	if run == nil {
		run = a.run
	}
	c := &cobra.Command{
		Use:         a.verb,
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       a.short,
		Long:        a.short + ": the newest deployment of this folder's project, or of the given one.",
		Example:     "  ploomber-cloud " + a.verb + "\n  ploomber-cloud " + a.verb + " --project-id my-app-1234",
		Args:        cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.ProjectID, err = o.Folder.NamedProject(o.ProjectID); err != nil {
				return err
			}
			return run(c.Context(), &o)
		},
	}
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; this folder's if not given", o.CompleteProjects)
	return c
}

// result is what --json prints.
type result struct {
	ProjectID string `json:"project_id"`
	JobID     string `json:"job_id"`
}

func (a action) run(ctx context.Context, o *Options) error {
	api, err := o.Connect()
	if err != nil {
		return err
	}
	job, err := flow.LatestJob(ctx, api, o.ProjectID)
	if err != nil {
		return err
	}
	if err := a.do(api, ctx, job); err != nil {
		return err
	}
	return o.IO.Result(result{o.ProjectID, job}, func(out *term.Stream) {
		out.Printf("The app of %s %s.\n", o.ProjectID, a.done)
	})
}
