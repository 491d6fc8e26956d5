// Package migratecmd brings a project of another platform, such as the former hosted service, to the current one.
package migratecmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Ask      Asker
	Deploy   dialog.Deploy // Folder.Config, AllowSecrets and AllowLinks are flags
	Settings *settings.Settings

	// Ship deploys a package as 'deploy' does, and returns what its --json prints.
	Ship func(ctx context.Context, o *Options, p *flow.Package) (result any, err error)
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Yes, Watch bool
	Timeout    time.Duration
}

// Asker is the part of a prompter that this command uses.
type Asker interface {
	Expect(ctx context.Context, questions ...prompt.Question) error
	Confirm(ctx context.Context, q prompt.Question, standard bool) (bool, error)
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = migrate
	}
	c := &cobra.Command{
		Use:         "migrate",
		Annotations: failure.Statuses(failure.NotAllowed, failure.Deployment, failure.TimedOut),
		Short:       "Bring a project from another platform to this one",
		Long: "Make a new project on the platform that commands go to, with the settings of this folder's project, and deploy it:\n" +
			"for projects that were made for the hosted Ploomber Cloud service, or that move between platforms. Type,\n" +
			"resources, labels, passwords, the names of secrets and the rules for files are taken over; the new id replaces the old\n" +
			"one in ploomber-cloud.json. Secrets are taken from .env or the environment. Nothing is made if one is missing.",
		Example: "  ploomber-cloud migrate --watch\n" +
			"  ploomber-cloud migrate --yes --watch           # without the question\n" +
			"  ploomber-cloud migrate --config staging.json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.Timeout <= 0 {
				return failure.Usagef("--timeout must be greater than zero, such as 15m")
			}
			if !c.Flags().Changed("timeout") { // the default is for following only, as of 'deploy'
				return run(c.Context(), &o)
			}
			return flagset.Within(c.Context(), o.Timeout, "the project could not be deployed", func(ctx context.Context) error {
				return run(ctx, &o)
			})
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.Yes, "yes", "y", false, "do not ask before the project is made")
	f.BoolVar(&o.Watch, "watch", false, "follow the deployment until it runs")
	f.DurationVar(&o.Timeout, "timeout", flow.DefaultTimeout, "give up after `TIME`, such as 30m; the default applies only with --watch")
	f.StringArrayVar(&o.Deploy.AllowSecrets, "allow-secret", nil, "include `FILE` even though it looks like a secret (repeatable)")
	f.StringArrayVar(&o.Deploy.AllowLinks, "allow-link", nil, "include the target of link `NAME`, even if it is outside the project or a folder (repeatable)")
	flagset.Config(c, &o.Deploy.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	OldID      string   `json:"old_id"`
	ProjectID  string   `json:"project_id"`
	Platform   string   `json:"platform"`
	Taken      []string `json:"taken_over"`
	Left       []string `json:"not_taken_over"`
	Deployment any      `json:"deployment,omitempty"` // as of 'deploy --json'; absent if nothing was deployed
}

func migrate(ctx context.Context, o *Options) error {
	ask := prompt.Question{Label: "Make the project there and deploy it?", Flag: "--yes"}
	if !o.Yes {
		if err := o.Ask.Expect(ctx, ask); err != nil {
			return err
		}
	}
	p, err := o.Deploy.Prepare(ctx) // what keeps it from being deployed must not leave a project behind
	if err != nil {
		return err
	}
	old := p.Config
	if _, err := o.Deploy.Folder.Replaceable(true); err != nil {
		return err
	}
	api, err := o.Deploy.Connect()
	if err != nil {
		return err
	}
	if err := o.unknown(ctx, api, old.ID); err != nil {
		return err
	}
	r := result{OldID: old.ID, Taken: taken(p), Left: left(old)}
	if r.Platform, err = o.Settings.API(); err != nil {
		return err
	}
	o.tell(r)
	if !o.Yes {
		yes, err := o.Ask.Confirm(ctx, ask, true)
		if err != nil {
			return err
		}
		if !yes {
			return failure.Failedf("not migrated")
		}
	}
	if p.Config, err = o.Deploy.Folder.CreateProject(ctx, api, old.Type, old); err != nil {
		return err
	}
	r.ProjectID = p.Config.ID
	o.IO.Err.Success("Project %s of %s takes the place of %s.", r.ProjectID, r.Platform, term.Printable(r.OldID))
	var failed error
	if r.Deployment, failed = o.Ship(ctx, o, p); failed != nil && failure.Hint(failed) == "" {
		failed = fmt.Errorf("the project %s was made, but it was not deployed: %w", r.ProjectID, failed)
	}
	var shown error
	if o.IO.JSON {
		shown = o.IO.Result(r, nil)
	}
	if failed != nil {
		return failed
	}
	return shown
}

// unknown refuses a project that the platform has.
func (o *Options) unknown(ctx context.Context, api *cloudapi.Client, id string) error {
	_, err := api.Project(ctx, id)
	switch {
	case err == nil:
		return failure.Failedf("the project %s is on this platform already", term.Printable(id)).
			WithHint("to deploy it, run 'ploomber-cloud deploy'")
	case errors.Is(err, cloudapi.ErrNotFound):
		return nil
	}
	return err
}

// tell says what comes of the project.
func (o *Options) tell(r result) {
	o.IO.Err.Note("The project %s is not on %s.", term.Printable(r.OldID), r.Platform)
	o.IO.Err.Note("Taken over:")
	for _, what := range r.Taken {
		o.IO.Err.Note("  %s", what)
	}
	o.IO.Err.Note("Not taken over:")
	for _, what := range r.Left {
		o.IO.Err.Note("  %s", what)
	}
}

// taken lists what the new project has of the old one.
func taken(p *flow.Package) []string {
	c := p.Config
	list := []string{"type: " + c.Type}
	add := func(what, value string) {
		if value != "" {
			list = append(list, what+": "+value)
		}
	}
	if r := c.Resources; r != nil {
		add("resources", strconv.FormatFloat(r.CPU, 'f', -1, 64)+" CPU, "+strconv.Itoa(r.RAM)+" GB RAM")
	}
	add("labels", term.Printable(strings.Join(c.Labels, ", ")))
	add("template", term.Printable(c.Template))
	if p.MainApp != nil {
		add("password", string(project.MainApp))
	}
	names, hidden := p.Secrets.Shown()
	shown := strings.Join(names, ", ")
	if len(hidden) > 0 {
		shown += fmt.Sprintf(" and %d more", len(hidden))
	}
	add("secrets", shown)
	if len(c.Ignore)+len(c.Include) > 0 {
		add("files", "the rules of 'ignore' and 'include'")
	}
	return list
}

// left lists what the new project lacks.
func left(c *project.Config) []string {
	list := []string{"earlier deployments and their logs", "a custom domain, if the project had one: the app gets a new address"}
	if c.Resources != nil && c.Resources.GPU > 0 {
		list = append(list, "the GPU: the app gets one only if the platform gives it one")
	}
	if c.Credentials(project.Analytics) != nil {
		list = append(list, "analytics: its password stays in the configuration, but has no effect where there are no analytics")
	}
	return list
}
