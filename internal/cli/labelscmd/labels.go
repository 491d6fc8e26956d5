// Package labelscmd shows and changes the labels of a project.
package labelscmd

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO      *term.IO
	Folder  flow.Folder // Folder.Config is a flag
	Connect flow.Connect
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Add, Delete []string
	Sync        bool
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = labels
	}
	c := &cobra.Command{
		Use:         "labels",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Show or change the project's labels",
		Long:        "Show the project's labels, add some, delete some, or download those of the platform.",
		Example: "  ploomber-cloud labels\n" +
			"  ploomber-cloud labels --add demo --add team-a\n" +
			"  ploomber-cloud labels --delete demo\n" +
			"  ploomber-cloud labels --sync                 # write the platform's labels to ploomber-cloud.json",
		Args: cobra.ArbitraryArgs, // validated below
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return failure.Usagef("unexpected argument %q", args[0]).WithHint("pass each label with its own --add or --delete")
			case o.Sync && len(o.Add) > 0: // exit status 1, like the reference tool
				return failure.Failedf("You can't use --sync and --add at the same time.")
			case o.Sync && len(o.Delete) > 0:
				return failure.Failedf("You can't use --sync and --delete at the same time.")
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringArrayVarP(&o.Add, "add", "a", nil, "add `LABEL` (repeatable)")
	f.StringArrayVarP(&o.Delete, "delete", "d", nil, "delete `LABEL` (repeatable)")
	f.BoolVarP(&o.Sync, "sync", "s", false, "write the platform's labels to the configuration")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	ID      string   `json:"id"`
	Labels  []string `json:"labels"`
	Changed bool     `json:"changed"`
}

func labels(ctx context.Context, o *Options) error {
	c, err := o.Folder.Load()
	if err != nil {
		return err
	}
	switch {
	case o.Sync:
		return o.sync(ctx, c)
	case len(o.Add)+len(o.Delete) > 0:
		return o.change(ctx, c)
	default:
		return o.view(ctx, c)
	}
}

func (o *Options) view(ctx context.Context, c *project.Config) error {
	now, err := o.platform(ctx, c)
	if err != nil {
		return err
	}
	return o.done(c, now, false, func(out *term.Stream) {
		if len(now) == 0 {
			out.Println("No labels were added to this project.")
			return
		}
		out.Println(strings.Join(now, "\n"))
	})
}

func (o *Options) platform(ctx context.Context, c *project.Config) ([]string, error) {
	api, err := o.Connect()
	if err != nil {
		return nil, err
	}
	p, err := api.Project(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return p.Labels, nil
}

func (o *Options) sync(ctx context.Context, c *project.Config) error {
	now, err := o.platform(ctx, c)
	if err != nil {
		return err
	}
	if slices.Equal(now, c.Labels) && (now == nil) == (c.Labels == nil) { // a missing list and an empty one differ
		return o.done(c, now, false, func(out *term.Stream) { out.Println("Labels are already up-to-date.") })
	}
	c.Labels = now
	if err := o.Folder.Save(c, flow.Env{}); err != nil {
		return err
	}
	return o.done(c, now, true, func(out *term.Stream) { out.Println(out.Green("Labels in the configuration updated.")) })
}

func (o *Options) change(ctx context.Context, c *project.Config) error {
	wanted, err := Change(c.Labels, o.Add, o.Delete)
	if err != nil {
		return err
	}
	path, err := o.Folder.ConfigPath()
	if err != nil {
		return err
	}
	if err := fsx.Check(path); err != nil { // the platform is updated first
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	if err := api.SetLabels(ctx, c.ID, wanted); err != nil {
		return err
	}
	c.Labels = wanted
	if len(wanted) == 0 {
		c.Labels = nil
	}
	if err := o.Folder.Save(c, flow.Env{}); err != nil {
		return failure.Failedf("the labels were updated on the platform, but not in the configuration: %w", err).
			WithHint("run 'ploomber-cloud labels --sync'")
	}
	return o.done(c, wanted, true, func(out *term.Stream) {
		if len(wanted) == 0 {
			out.Println(out.Green("Successfully updated.") + " The project has no labels now.")
			return
		}
		out.Println(out.Green("Successfully updated.") + " Labels: " + strings.Join(wanted, ", "))
	})
}

// Change returns now without the labels in remove and with those in add appended. Labels that already exist, or
// never existed, are ignored; if nothing is left to add or to remove that is an error.
func Change(now, add, remove []string) ([]string, error) {
	var fresh, gone []string
	for _, l := range add {
		if l == "" {
			return nil, failure.Failedf("a label must not be empty")
		}
		if !slices.Contains(now, l) && !slices.Contains(fresh, l) {
			fresh = append(fresh, l)
		}
	}
	if len(add) > 0 && len(fresh) == 0 {
		return nil, failure.Failedf("the project already has these labels: %s", strings.Join(add, ", "))
	}
	for _, l := range remove {
		if slices.Contains(now, l) || slices.Contains(fresh, l) {
			gone = append(gone, l)
		}
	}
	if len(remove) > 0 && len(gone) == 0 {
		return nil, failure.Failedf("the project has none of these labels: %s", strings.Join(remove, ", "))
	}
	wanted := []string{}
	for _, l := range append(slices.Clone(now), fresh...) {
		if !slices.Contains(gone, l) {
			wanted = append(wanted, l)
		}
	}
	if slices.Equal(wanted, now) {
		return nil, failure.Failedf("no labels would change")
	}
	return wanted, nil
}

func (o *Options) done(c *project.Config, now []string, changed bool, text func(*term.Stream)) error {
	if now == nil {
		now = []string{}
	}
	return o.IO.Result(result{c.ID, now, changed}, text)
}
