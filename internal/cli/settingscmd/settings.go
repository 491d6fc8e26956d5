// Package settingscmd shows and changes the settings of a project.
package settingscmd

import (
	"context"

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
type Flags struct {
	ProjectID string
	Change    cloudapi.SettingsChange // empty: show them
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = settings
	}
	sleep := ""
	c := &cobra.Command{
		Use:         "settings",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Show or change when the app sleeps",
		Long: "Show the settings of this folder's project, or of the given one, or change them. An app that is not used for a while\n" +
			"sleeps: it needs no CPU time and no memory until the next request, which wakes it. Needs a platform of\n" +
			"'ploomber-cloud platform serve'.",
		Example: "  ploomber-cloud settings\n" +
			"  ploomber-cloud settings --sleep-after 1h\n" +
			"  ploomber-cloud settings --sleep-after never",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("sleep-after") {
				o.Change.SleepAfter = new(cloudapi.SleepAfter)
				if err := o.Change.SleepAfter.UnmarshalText([]byte(sleep)); err != nil {
					return failure.Usagef("--sleep-after: %w", err)
				}
			}
			return run(c.Context(), &o)
		},
	}
	c.Flags().StringVar(&sleep, "sleep-after", "", "sleep after `TIME` without use, such as 15m or 1h; or never")
	flagset.Complete(c, "sleep-after", flagset.Fixed("15m", "1h", "never"))
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; that of the configuration if not given", o.CompleteProjects)
	flagset.Config(c, &o.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	ProjectID string `json:"project_id"`
	cloudapi.ProjectSettings
}

func settings(ctx context.Context, o *Options) error {
	id, err := o.Folder.ProjectID(o.ProjectID)
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	var now *cloudapi.ProjectSettings
	if o.Change == (cloudapi.SettingsChange{}) {
		now, err = api.ProjectSettings(ctx, id)
	} else {
		now, err = api.ChangeSettings(ctx, id, o.Change)
	}
	if err != nil {
		return err
	}
	return o.IO.Result(result{id, *now}, func(out *term.Stream) {
		if now.SleepAfter == cloudapi.Never {
			out.Println("The app never sleeps.")
			return
		}
		out.Printf("The app sleeps after %s without use.\n", now.SleepAfter)
	})
}
