// Package cachecmd lists what 'up' keeps between runs, and removes what is no longer needed.
package cachecmd

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/localcloud"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO  *term.IO
	Dir func() (string, error) // the cache folder
	Now func() time.Time
	Flags
}

// Flags are the values set on the command line.
type Flags struct{ All, DryRun bool }

// New builds the command with its subcommands. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	c := &cobra.Command{
		Use:   "cache",
		Short: "List or remove what 'up' caches between runs",
		Long: "List or remove what 'up' and 'demo' cache between runs: the environments of apps, the packages downloaded\n" +
			"for them, and uv, which installs them. All of it is recreated on demand. An environment that no\n" +
			"project uses any more is removed automatically after a day, an unused one after 30 days.",
		Example: "  ploomber-cloud cache list\n" +
			"  ploomber-cloud cache prune                   # unused environments and downloads\n" +
			"  ploomber-cloud cache prune --all             # everything that is not in use right now",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	either := func(do func(context.Context, *Options) error) func(*cobra.Command, []string) error {
		if run != nil {
			do = run
		}
		return func(c *cobra.Command, _ []string) error { return do(c.Context(), &o) }
	}
	shows := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the cache with sizes", Args: cobra.NoArgs, RunE: either(list),
		Example: "  ploomber-cloud cache list --json",
	}
	prunes := &cobra.Command{
		Use: "prune", Short: "Remove what is no longer needed", Args: cobra.NoArgs, RunE: either(prune),
		Long: "Remove environments that are not the last one of a project, tools for other versions of this program, and\n" +
			"the downloaded packages. Files that environments share with the downloads are kept.",
		Example: "  ploomber-cloud cache prune --dry-run\n" +
			"  ploomber-cloud cache prune --all",
	}
	prunes.Flags().BoolVar(&o.All, "all", false, "also remove the environments of projects, and uv")
	prunes.Flags().BoolVar(&o.DryRun, "dry-run", false, "only show what would be removed")
	c.AddCommand(shows, prunes)
	return c
}

// entry is what --json prints of one item in the cache.
type entry struct {
	Path    string     `json:"path"`
	Kind    string     `json:"kind"`
	Project string     `json:"project,omitempty"`
	Used    *time.Time `json:"used,omitempty"`
	Bytes   int64      `json:"bytes"`
	InUse   bool       `json:"in_use"`
	Current bool       `json:"current"`
}

func entryOf(e localcloud.CacheEntry) entry {
	shown := entry{Path: e.Path, Kind: e.Kind, Project: e.Project, Bytes: e.Bytes, InUse: e.InUse, Current: e.Current}
	if !e.Used.IsZero() {
		used := e.Used.UTC().Truncate(time.Second)
		shown.Used = &used
	}
	return shown
}

func (o *Options) open(ctx context.Context) (string, *localcloud.Cache, []localcloud.CacheEntry, error) {
	dir, err := o.Dir()
	if err != nil {
		return "", nil, nil, failure.Failedf("cannot determine the cache folder: %w", err)
	}
	cache, err := localcloud.NewCache(dir, o.Now)
	if err != nil {
		return "", nil, nil, err
	}
	entries, err := cache.List(ctx)
	if err != nil && ctx.Err() == nil {
		err = failure.Failedf("cannot read the cache: %w", err)
	}
	return dir, cache, entries, err
}

// listing is what 'cache list --json' prints.
type listing struct {
	Dir     string  `json:"dir"`
	Bytes   int64   `json:"bytes"`
	Entries []entry `json:"entries"`
}

func list(ctx context.Context, o *Options) error {
	dir, _, entries, err := o.open(ctx)
	if err != nil {
		return err
	}
	l := listing{Dir: dir, Entries: []entry{}}
	for _, e := range entries {
		l.Entries = append(l.Entries, entryOf(e))
		l.Bytes += e.Bytes
	}
	return o.IO.Result(l, func(out *term.Stream) {
		for _, e := range entries {
			out.Printf("%8s  %s\n", term.Bytes(e.Bytes), o.describe(e))
		}
		out.Printf("%8s  in %s\n", term.Bytes(l.Bytes), dir)
	})
}

// describe returns a short description of an entry.
func (o *Options) describe(e localcloud.CacheEntry) string {
	var text string
	switch e.Kind {
	case "environment":
		text = "environment of " + e.Project
		if e.Project == "" {
			text = "incomplete environment"
		}
		text += ", used " + ago(o.Now().Sub(e.Used))
	case "downloads":
		text = "downloaded packages"
	default:
		text = e.Kind + " " + filepath.Base(e.Path)
	}
	switch {
	case e.InUse:
		text += ", in use"
	case e.Kind == "environment" && !e.Current:
		text += ", no longer needed"
	}
	return text
}

func ago(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		switch n := int(d / unit.length); {
		case n == 1:
			return "1 " + unit.name + " ago"
		case n > 1:
			return fmt.Sprintf("%d %ss ago", n, unit.name)
		}
	}
	return "just now"
}

// outcome is what 'cache prune --json' prints.
type outcome struct {
	DryRun  bool    `json:"dry_run"`
	Freed   int64   `json:"freed"` // bytes
	Removed []entry `json:"removed"`
}

func prune(ctx context.Context, o *Options) error {
	_, cache, entries, err := o.open(ctx)
	if err != nil {
		return err
	}
	done := outcome{DryRun: o.DryRun, Removed: []entry{}}
	for _, e := range entries {
		if e.InUse || e.Current && !o.All {
			continue
		}
		if !o.DryRun {
			if err := cache.Remove(e); err != nil {
				o.IO.Err.Warn("not removed: %v", err)
				continue
			}
		}
		done.Removed = append(done.Removed, entryOf(e))
		done.Freed += e.Bytes
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return o.IO.Result(done, func(out *term.Stream) {
		verb, freed := "removed", "freed"
		if o.DryRun {
			verb, freed = "would remove", "would free"
		}
		for _, e := range done.Removed {
			out.Printf("%s %s (%s)\n", verb, e.Path, term.Bytes(e.Bytes))
		}
		out.Printf("%s %s\n", freed, term.Bytes(done.Freed))
	})
}
