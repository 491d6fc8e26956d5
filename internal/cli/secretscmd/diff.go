package secretscmd

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func newDiff(o Options, run runner) *cobra.Command {
	c := &cobra.Command{
		Use:         "diff",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Compare the local secrets with those of the deployed app",
		Long: "Compare the names of the secrets in the next deployment with those on the platform: what it\n" +
			"would add, and what the app would lose. The platform does not return values, so these are not compared.",
		Example: "  ploomber-cloud secrets diff\n" +
			"  ploomber-cloud secrets diff --exit-code        # exit status 1 if they differ",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), "diff", &o) },
	}
	c.Flags().BoolVar(&o.ExitCode, "exit-code", false, "exit with 1 if the names differ")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// difference is what 'secrets diff --json' prints: names only.
type difference struct {
	ProjectID string   `json:"project_id"`
	Source    string   `json:"source"`  // source of the local names: the file or "secret-keys"; "" if a deployment sends no secrets
	New       []string `json:"new"`     // local only: the next deployment adds them
	Missing   []string `json:"missing"` // on the platform only: the next deployment removes them
	Same      []string `json:"same"`
	NotShown  int      `json:"not_shown,omitempty"` // number of names on either side that may be parts of values
}

// hide removes the names that must not be shown.
func (d *difference) hide(shows func(name string) bool) {
	for _, names := range []*[]string{&d.New, &d.Missing, &d.Same} {
		all := len(*names)
		*names = slices.DeleteFunc(*names, func(name string) bool { return !shows(name) })
		d.NotShown += all - len(*names)
	}
}

func (o *Options) diff(ctx context.Context) error {
	c, err := o.Folder.Load()
	if err != nil {
		return err
	}
	env, err := o.env()
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	p, err := api.Project(ctx, c.ID)
	if err != nil {
		return err
	}
	here, source := env.SecretNames(c)
	d := compare(here, p.Secrets)
	d.ProjectID, d.Source = c.ID, source
	differs := len(d.New)+len(d.Missing) > 0
	d.hide(env.Shows(c))
	if err := o.IO.Result(d, func(out *term.Stream) { d.show(out) }); err != nil {
		return err
	}
	if o.ExitCode && differs {
		return failure.Failedf("the secrets differ")
	}
	return nil
}

// compare sorts the names into local, remote and common ones.
func compare(here, there []string) difference {
	d := difference{New: []string{}, Missing: []string{}, Same: []string{}}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(here))) {
		if slices.Contains(there, name) {
			d.Same = append(d.Same, name)
		} else {
			d.New = append(d.New, name)
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(there))) {
		if !slices.Contains(here, name) {
			d.Missing = append(d.Missing, name)
		}
	}
	return d
}

func (d difference) show(out *term.Stream) {
	if d.Source == "" {
		out.Println("This folder has no secrets: a deployment does not change those on the platform.")
	}
	for _, name := range d.New {
		out.Println(out.Green("+ " + term.Printable(name)))
	}
	for _, name := range d.Missing {
		out.Println(out.Red("- " + term.Printable(name)))
	}
	for _, name := range d.Same {
		out.Println("  " + term.Printable(name))
	}
	if d.NotShown > 0 {
		out.Printf("%d more, not shown because their names may be parts of secret values\n", d.NotShown)
	}
	if len(d.New)+len(d.Missing)+len(d.Same)+d.NotShown == 0 {
		out.Println("There are no secrets here or on the platform.")
	}
}
