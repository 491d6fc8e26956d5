// Package deploymentscmd lists the deployments of a project.
package deploymentscmd

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Folder           flow.Folder // Folder.Config is a flag
	Connect          flow.Connect
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct{ ProjectID string }

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = deployments
	}
	c := &cobra.Command{
		Use:         "deployments",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "List the deployments of a project",
		Long: "List the deployments of this folder's project, or of the given one, newest first: number, time, who, state, size and\n" +
			"the message of 'deploy --message'. 'rollback NUMBER' returns to one of them. Needs a platform of 'ploomber-cloud\n" +
			"platform serve'.",
		Example: "  ploomber-cloud deployments\n" +
			"  ploomber-cloud deployments --project-id my-app-1234 --json\n" +
			"  ploomber-cloud rollback 3",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; that of the configuration if not given", o.CompleteProjects)
	flagset.Config(c, &o.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	ProjectID   string                       `json:"project_id"`
	Deployments []cloudapi.DeploymentSummary `json:"deployments"`
}

func deployments(ctx context.Context, o *Options) error {
	id, err := o.Folder.ProjectID(o.ProjectID)
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	list, err := api.Deployments(ctx, id)
	if err != nil {
		return err
	}
	if list == nil {
		list = []cloudapi.DeploymentSummary{}
	}
	return o.IO.Result(result{id, list}, func(out *term.Stream) {
		if len(list) == 0 {
			out.Println("Never deployed; to deploy it, run 'ploomber-cloud deploy'.")
			return
		}
		show(out, list)
	})
}

func show(out *term.Stream, list []cloudapi.DeploymentSummary) {
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "NUMBER\tTIME (UTC)\tBY\tSTATE\tSIZE\tMESSAGE") // reported by Failed
	for _, d := range list {
		state := term.Printable(d.State)
		if d.Current {
			state += ", current"
		}
		_, _ = fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", d.Number, d.Created.UTC().Format("2006-01-02 15:04"), // reported by Failed
			term.Printable(d.By), state, term.Bytes(d.Size), term.Printable(d.Message))
	}
	_ = t.Flush() // reported by Failed
}
