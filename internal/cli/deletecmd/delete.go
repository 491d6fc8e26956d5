// Package deletecmd deletes projects from the platform.
package deletecmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Ask              dialog.Asker
	Folder           flow.Folder
	Connect          flow.Connect
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	ProjectID string
	All       bool
	Confirm   string
	Yes       bool
}

// phrase must be typed to confirm that every project is to be deleted.
const phrase = "delete all"

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = remove
	}
	c := &cobra.Command{
		Use:         "delete",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Delete a project, or all projects",
		Long: "Delete a project and all its deployments from the platform: the given one, or this folder's,\n" +
			"whose name has to be typed at a terminal unless --yes is given.\n" +
			"The folder's ploomber-cloud.json is deleted with its project; other files are kept.",
		Example: "  ploomber-cloud delete\n" +
			"  ploomber-cloud delete --project-id my-app-1234\n" +
			"  ploomber-cloud delete --all --confirm 'delete all'",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case o.All && o.ProjectID != "":
				return failure.Usagef("pass --project-id or --all, not both")
			case o.Yes && o.All:
				return failure.Usagef("--yes is for one project; pass --confirm '%s' with --all", phrase)
			case c.Flags().Changed("confirm") && !o.All:
				return failure.Usagef("--confirm is for --all")
			case c.Flags().Changed("confirm") && o.Confirm != phrase:
				return failure.Usagef("--confirm must be exactly '%s'", phrase)
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; this folder's if not given", o.CompleteProjects)
	f.BoolVarP(&o.All, "all", "a", false, "delete all your projects, after a confirmation")
	f.StringVar(&o.Confirm, "confirm", "", "with --all: the `PHRASE` 'delete all', instead of typing it")
	f.BoolVarP(&o.Yes, "yes", "y", false, "delete this folder's project without asking")
	flagset.Complete(c, "confirm", flagset.Fixed(phrase))
	return c
}

// result is what --json prints.
type result struct {
	Deleted []string `json:"deleted"` // project ids
}

func remove(ctx context.Context, o *Options) error {
	if o.All {
		return o.all(ctx)
	}
	id := o.ProjectID
	if id == "" {
		c, err := o.Folder.Load()
		if err != nil {
			return err
		}
		id = c.ID
		if o.IO.InTTY && !o.Yes { // scripts for the reference tool are not prompted
			yes, err := o.confirmed(ctx, mayDelete("Project "+id+" with all its deployments", id, "--yes"), id)
			if err != nil {
				return err
			}
			if !yes {
				return o.cancelled()
			}
		}
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	if err := api.DeleteProject(ctx, id); err != nil {
		return err
	}
	if err := o.forget(id); err != nil {
		return err
	}
	return o.IO.Result(result{[]string{id}}, func(out *term.Stream) {
		out.Printf("Project %s has been successfully deleted.\n", id)
	})
}

// forget removes the folder's configuration if it belongs to the deleted project.
func (o *Options) forget(id string) error {
	c, err := o.Folder.Load()
	if mine := err == nil && c.ID == id; !mine {
		return nil // missing, unreadable, or for another project: keep it
	}
	path, err := o.Folder.ConfigPath()
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return failure.Failedf("the project %s was deleted, but %s could not be removed: %w", id, path, err)
	}
	return nil
}

func (o *Options) all(ctx context.Context) error {
	if o.Confirm == "" {
		if err := o.Ask.Expect(ctx, mayDeleteAll()); err != nil {
			return err
		}
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	projects, err := api.Projects(ctx)
	if err != nil {
		return err
	}
	r := result{Deleted: []string{}}
	if len(projects) == 0 {
		return o.IO.Result(r, func(out *term.Stream) { out.Println("You have no projects to delete.") })
	}
	o.IO.Err.Note("Your projects:")
	for _, p := range projects {
		r.Deleted = append(r.Deleted, p.ID)
		label := p.ID
		if p.Name != "" && p.Name != p.ID {
			label = fmt.Sprintf("%s (%s)", p.ID, p.Name)
		}
		o.IO.Err.Note("  %s", label)
	}
	if o.Confirm == "" {
		yes, err := o.confirmed(ctx, mayDeleteAll(), phrase)
		if err != nil {
			return err
		}
		if !yes {
			return o.cancelled()
		}
	}
	if err := api.DeleteAllProjects(ctx); err != nil {
		return err
	}
	return o.IO.Result(r, func(out *term.Stream) { out.Println("All projects have been successfully deleted.") })
}

func (o *Options) cancelled() error {
	return o.IO.Result(result{[]string{}}, func(out *term.Stream) { out.Println("Deletion cancelled.") })
}

func (o *Options) confirmed(ctx context.Context, q prompt.Question, words string) (bool, error) {
	answer, err := o.Ask.Text(ctx, q)
	return answer == words, err
}

func mayDeleteAll() prompt.Question {
	return mayDelete("All projects with their data", phrase, "--confirm '"+phrase+"'")
}

// mayDelete asks the user to type a phrase before data is lost permanently.
func mayDelete(what, words, flag string) prompt.Question {
	return prompt.Question{
		Label: what + " will be lost. To delete, type '" + words + "'; to cancel, N",
		Flag:  flag,
		Check: func(s string) error {
			if s == words || strings.EqualFold(s, "n") {
				return nil
			}
			return fmt.Errorf("please type '%s' or N", words)
		},
	}
}
