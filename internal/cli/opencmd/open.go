// Package opencmd opens the app, or the dashboard page of its deployment, in the browser. How a browser is started
// on this machine is decided by the root.
package opencmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Folder           flow.Folder // Folder.Config is a flag
	Connect          flow.Connect
	Settings         *settings.Settings
	Browser          Browser
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	ProjectID        string
	Dashboard, Print bool
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = open
	}
	c := &cobra.Command{
		Use:         "open",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Open the app in the browser",
		Long: "Open the deployed app of this folder's project, or of the given one, in the browser. If there is no\n" +
			"browser the address is printed.",
		Example: "  ploomber-cloud open\n" +
			"  ploomber-cloud open --dashboard                # the page about the newest deployment\n" +
			"  curl -I \"$(ploomber-cloud open --print)\"",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	f := c.Flags()
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; that of the configuration if not given", o.CompleteProjects)
	f.BoolVar(&o.Dashboard, "dashboard", false, "open the page about the newest deployment instead of the app")
	f.BoolVar(&o.Print, "print", false, "only print the address")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	URL     string `json:"url"`
	Started bool   `json:"opened"` // whether a browser was started
}

func open(ctx context.Context, o *Options) error {
	id, err := o.Folder.ProjectID(o.ProjectID)
	if err != nil {
		return err
	}
	address, err := o.address(ctx, id)
	if err != nil {
		return err
	}
	r := result{URL: address}
	if !o.Print {
		if err := o.Browser.Open(ctx, address); err != nil {
			o.IO.Err.Note("No browser could be started (%v). Open this address yourself:", err)
		} else {
			r.Started = true
			o.IO.Err.Note("Opened in the browser:")
		}
	}
	return o.IO.Result(r, func(out *term.Stream) { out.Println(address) })
}

// address returns the checked address to open.
func (o *Options) address(ctx context.Context, id string) (string, error) {
	api, err := o.Connect()
	if err != nil {
		return "", err
	}
	s, err := flow.StateOf(ctx, api, id)
	switch {
	case err != nil:
		return "", err
	case o.Dashboard:
		return o.page(id, s)
	case s.Job == nil:
		return "", failure.Failedf("the project %s was never deployed", term.Printable(id)).WithHint("run 'ploomber-cloud deploy'")
	case s.Job.Resources.Webservice == "":
		return "", failure.Failedf("the app of %s has no address yet: its status is %s", term.Printable(id), term.Printable(s.Job.Status)).
			WithHint("see its deployment with 'ploomber-cloud open --dashboard --project-id %s'", term.Printable(id))
	}
	return Safe(s.Job.Resources.Webservice)
}

// page is the dashboard page of the newest deployment, or of a project that was never deployed.
func (o *Options) page(id string, s flow.State) (page string, err error) {
	switch {
	case s.Job == nil:
		page, err = o.Settings.ProjectPage(id)
	case s.Job.StatusPage != "":
		page = s.Job.StatusPage
	default:
		page, err = o.Settings.StatusPage(id, s.Newest.ID)
	}
	if err != nil {
		return "", err
	}
	return Safe(page)
}
