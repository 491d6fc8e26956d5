// Package statuscmd shows the state of a project on the platform.
package statuscmd

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO               *term.IO
	Folder           flow.Folder // Folder.Config is a flag
	Connect          flow.Connect
	Settings         *settings.Settings
	CompleteProjects cobra.CompletionFunc
	Flags
}

// Flags are the values set on the command line.
type Flags struct{ ProjectID string }

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = status
	}
	c := &cobra.Command{
		Use:         "status",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Show the state of the app",
		Long: "Show the project of this folder, or the given one, with its newest deployment: status, address and protection, and,\n" +
			"if the app does not run, the reason and what to do next. If it failed, an earlier one that users still see is shown too.",
		Example: "  ploomber-cloud status\n" +
			"  ploomber-cloud status --project-id my-app-1234\n" +
			"  ploomber-cloud status --json",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), &o) },
	}
	flagset.ProjectID(c, &o.ProjectID, "the project's `ID`; that of the configuration if not given", o.CompleteProjects)
	flagset.Config(c, &o.Folder.Config)
	return c
}

// result is what --json prints.
type result struct {
	ProjectID  string            `json:"project_id"`
	Name       string            `json:"name,omitempty"`
	Type       string            `json:"type"`
	Labels     []string          `json:"labels"`
	JobID      string            `json:"job_id,omitempty"` // of the newest deployment; absent if there is none
	Status     string            `json:"status,omitempty"` // such as "running"; absent if there is no deployment
	URL        string            `json:"url,omitempty"`    // of the app
	CPU        float64           `json:"cpu,omitempty"`    // cores
	RAM        int               `json:"ram,omitempty"`    // GB
	GPU        int               `json:"gpu,omitempty"`
	Protected  []project.Feature `json:"protected"` // features behind a password
	StatusPage string            `json:"status_page"`
	Current    *current          `json:"current,omitempty"` // what users see if the newest deployment failed; absent if that is nothing
	dialog.Reason
}

// current is an earlier deployment that users still reach.
type current struct {
	Number int    `json:"number"`
	State  string `json:"state"`
}

func status(ctx context.Context, o *Options) error {
	id, err := o.Folder.ProjectID(o.ProjectID)
	if err != nil {
		return err
	}
	api, err := o.Connect()
	if err != nil {
		return err
	}
	s, err := flow.StateOf(ctx, api, id)
	if err != nil {
		return err
	}
	r, err := o.result(id, s)
	if err != nil {
		return err
	}
	if r.State == "failed" {
		if r.Current, err = currentOf(ctx, api, id); err != nil {
			return err
		}
	}
	return o.IO.Result(r, func(out *term.Stream) { show(out, r) })
}

func (o *Options) result(id string, s flow.State) (r result, err error) {
	r = result{
		ProjectID: id, Name: s.Project.Name, Type: s.Project.Type, Labels: s.Project.Labels, Protected: s.Protected(),
	}
	if r.Labels == nil {
		r.Labels = []string{}
	}
	if s.Newest == nil {
		r.StatusPage, err = o.Settings.ProjectPage(id)
		return r, err
	}
	r.JobID, r.CPU, r.RAM, r.GPU = s.Newest.ID, s.Newest.CPU, s.Newest.RAM, s.Newest.GPU
	r.Status, r.URL, r.Reason = s.Job.Status, s.Job.Resources.Webservice, dialog.ReasonOf(s.Job.Condition)
	if r.StatusPage = s.Job.StatusPage; r.StatusPage == "" {
		r.StatusPage, err = o.Settings.StatusPage(id, r.JobID)
	}
	return r, err
}

// currentOf returns the deployment of the project that users reach, nil if there is none.
func currentOf(ctx context.Context, api *cloudapi.Client, id string) (*current, error) {
	list, err := api.Deployments(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, d := range list {
		if d.Current {
			return &current{Number: d.Number, State: d.State}, nil
		}
	}
	return nil, nil
}

func show(out *term.Stream, r result) {
	line := func(name, value string) {
		if value != "" {
			out.Printf("%-12s %s\n", name+":", value)
		}
	}
	title := term.Printable(r.ProjectID)
	if r.Name != "" && r.Name != r.ProjectID {
		title += " (" + term.Printable(r.Name) + ")"
	}
	line("Project", title)
	line("Type", term.Printable(r.Type))
	line("Labels", term.Printable(strings.Join(r.Labels, ", ")))
	if r.JobID == "" {
		line("Status", "never deployed; to deploy it, run 'ploomber-cloud deploy'")
		line("Page", r.StatusPage)
		return
	}
	line("Status", coloured(out, cmp.Or(r.State, r.Status)))
	showReason(out, r.Reason)
	if r.Current != nil {
		line("Current", "deployment "+strconv.Itoa(r.Current.Number)+", "+term.Printable(r.Current.State))
	}
	line("URL", term.Printable(r.URL))
	line("Protected", protection(r.Protected))
	if r.CPU > 0 {
		line("Resources", strconv.FormatFloat(r.CPU, 'f', -1, 64)+" CPU, "+strconv.Itoa(r.RAM)+" GB RAM, "+strconv.Itoa(r.GPU)+" GPU")
	}
	line("Deployment", term.Printable(r.JobID))
	line("Page", r.StatusPage)
}

// showReason says why the app does not run, and what to do about it.
func showReason(out *term.Stream, r dialog.Reason) {
	why := cmp.Or(r.Problem, r.Reason, inWords(r.State))
	if why == "" {
		return
	}
	out.Printf("%-12s %s\n", "Reason:", term.Plain(why))
	for _, line := range r.Detail {
		out.Printf("%-12s %s\n", "", term.Plain(line))
	}
	if r.NextStep != "" {
		out.Printf("%-12s %s\n", "Next step:", term.Plain(r.NextStep))
	}
}

// inWords explains a state of an app that is fine but does not run.
func inWords(state string) string {
	switch state {
	case "frozen":
		return "the app is not in use; it continues with the next request"
	case "asleep":
		return "the app was not in use for a while; it starts with the next request"
	}
	return ""
}

func coloured(out *term.Stream, status string) string {
	text := term.Printable(status)
	switch status {
	case "running":
		return out.Green(text)
	case "failed", "docker-failed":
		return out.Red(text)
	}
	return out.Yellow(text)
}

func protection(features []project.Feature) string {
	if len(features) == 0 {
		return "no password"
	}
	names := make([]string, 0, len(features))
	for _, f := range features {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}
