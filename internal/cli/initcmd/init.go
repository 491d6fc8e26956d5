// Package initcmd creates a project from a folder, or a folder from a project.
package initcmd

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Ask              dialog.Asker
	Folder           flow.Folder // Folder.Config is a flag
	Connect          flow.Connect
	Workflow         flow.Workflow
	TempDir          func() string
	Now              func() time.Time
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	FromExisting, OnlyConfig, Force, Yes bool

	Type    string
	Project string // of --from-existing
	Dest    string // folder to download to
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = initialise
	}
	c := &cobra.Command{
		Use:         "init",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Turn this folder into a project",
		Long: "Create a project on the platform, and ploomber-cloud.json, the file that connects this folder to it.\n" +
			"With --from-existing it sets up the folder from an existing project.",
		Example: "  ploomber-cloud init\n" +
			"  ploomber-cloud init --yes                                     # accept the inferred type\n" +
			"  ploomber-cloud init --type streamlit\n" +
			"  ploomber-cloud init --from-existing                           # choose a project and download it\n" +
			"  ploomber-cloud init --from-existing --only-config --project my-app-1234",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case !o.FromExisting && (o.Project != "" || o.Dest != ""): // --only-config is ignored then, like in the reference tool
				return failure.Usagef("--project and --dest need --from-existing")
			case o.FromExisting && o.Type != "":
				return failure.Usagef("--type is for a new project, not for --from-existing")
			case o.OnlyConfig && o.Dest != "":
				return failure.Usagef("--dest is for a download; --only-config downloads no files")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.BoolVar(&o.FromExisting, "from-existing", false, "choose one of your projects and download it")
	f.BoolVar(&o.OnlyConfig, "only-config", false, "with --from-existing: only write the configuration, without downloading files")
	f.BoolVarP(&o.Force, "force", "f", false, "replace the existing configuration; the new project keeps its settings")
	f.BoolVarP(&o.Yes, "yes", "y", false, "accept the inferred project type")
	f.StringVar(&o.Project, "project", "", "with --from-existing: the project's `ID` or name")
	f.StringVar(&o.Dest, "dest", "", "with --from-existing: download to `FOLDER`")
	flagset.OneOf(c, &o.Type, "type", "project type", project.Types())
	flagset.Config(c, &o.Folder.Config)
	flagset.Complete(c, "project", o.CompleteProjects)
	return c
}

// result is what --json prints.
type result struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Config string `json:"config"` // the file's path
}

func initialise(ctx context.Context, o *Options) error {
	if o.FromExisting {
		return o.fromExisting(ctx)
	}
	i := dialog.Init{
		Folder: o.Folder, Report: o.IO.Err, Ask: o.Ask, Connect: o.Connect,
		Type: o.Type, Yes: o.Yes, Force: o.Force,
	}
	c, err := i.Run(ctx)
	if err != nil {
		return err
	}
	if err := o.done(c, o.Folder); err != nil {
		return err
	}
	o.IO.Err.Note("To configure resources for this project, run 'ploomber-cloud resources' or " +
		"to deploy with default configurations, run 'ploomber-cloud deploy'")
	o.hint(ctx, c, o.Folder)
	return nil
}

func (o *Options) done(c *project.Config, f flow.Folder) error {
	path, err := f.ConfigPath()
	if err != nil {
		return err
	}
	return o.IO.Result(result{c.ID, c.Type, path}, func(out *term.Stream) {
		out.Printf("%s\n", out.Green("Your app '"+c.ID+"' has been configured successfully!"))
	})
}

func (o *Options) hint(ctx context.Context, c *project.Config, f flow.Folder) {
	w := o.Workflow
	w.Folder = f
	dialog.SuggestWorkflow(ctx, o.IO.Err, w, c.SecretKeys)
}
