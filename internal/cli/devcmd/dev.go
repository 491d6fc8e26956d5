// Package devcmd deploys the project again whenever one of its files is saved.
package devcmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO     *term.IO
	Deploy flow.Deploy // knows the project; Folder.Config is a flag

	// Send deploys the project according to Flags and shows the outcome.
	Send func(ctx context.Context, o *Options) error
	// Failed shows a failure that does not end the command.
	Failed func(err error)
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Watch bool
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = dev
	}
	c := &cobra.Command{
		Use:         "dev",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Deploy on every save",
		Long: "Watch the project's files and deploy it whenever one is saved, until you press Ctrl-C (exit status 130).\n" +
			"Files that a deployment leaves out are not watched (see 'ploomber-cloud deploy --list-files'), nor are\n" +
			"ploomber-cloud.json, README.md and app-*.zip. If a deployment fails, the error is shown and the next save\n" +
			"deploys again. With --json it prints one object per deployment.",
		Example: "  ploomber-cloud dev\n" +
			"  ploomber-cloud dev --watch                     # follow each deployment until it runs\n" +
			"  ploomber-cloud dev --config staging.json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	c.Flags().BoolVar(&o.Watch, "watch", false, "follow each deployment until it runs")
	flagset.Config(c, &o.Deploy.Folder.Config)
	return c
}

func dev(ctx context.Context, o *Options) error {
	if _, err := o.Deploy.Connect(); err != nil { // makes no request; report a missing key now, not at the first save
		return err
	}
	look := func(ctx context.Context) (*flow.Snapshot, error) { return o.Deploy.Snapshot(ctx, passedOver) }
	t, err := openTree(ctx, o.Deploy.Folder.Dir, look)
	if err != nil {
		return err
	}
	defer t.close()
	o.IO.Err.Note("Each save deploys the project. To end, press Ctrl+C.")
	l := loop{
		quiet: quiet, patience: patience,
		events: t.watcher.Events, lost: t.watcher.Errors, concerns: t.concerns, changed: t.changed,
		deploy: func(ctx context.Context) error { return o.Send(ctx, o) },
		failed: o.Failed,
		idle:   func() { o.IO.Err.Note("Waiting for the next save.") },
	}
	return l.run(ctx)
}
