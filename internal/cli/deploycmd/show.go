package deploycmd

import (
	"context"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// fileLine is one file in the output of --list-files.
type fileLine struct {
	Name  string `json:"name"`
	Ships bool   `json:"ships"`
	Rule  string `json:"rule"`
	Size  int64  `json:"size"` // bytes
	// Missed is true if the file is left out although the app may need it.
	Missed bool `json:"missed,omitempty"`
}

// listFiles lists every file with the rule that included or excluded it.
func (o *Options) listFiles(ctx context.Context) error {
	c, err := o.Deploy.Folder.Load()
	if err != nil {
		return err
	}
	files, err := o.Deploy.Files(ctx, c, true)
	if err != nil {
		return err
	}
	list := make([]fileLine, 0, len(files.Entries))
	for _, e := range files.Entries {
		list = append(list, fileLine{e.Name, e.Ships, e.Rule.String(), e.Size, e.Missed})
	}
	dialog.WarnOfMissing(o.IO.Err, files.Missed())
	n, size := files.Total()
	return o.IO.Result(struct {
		Files []fileLine `json:"files"`
	}{list}, func(out *term.Stream) {
		t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		for _, f := range list {
			verb := "stays"
			if f.Ships {
				verb = "ships"
			}
			_, _ = t.Write([]byte(strings.Join([]string{verb, term.Printable(f.Name), f.Rule}, "\t") + "\n")) // reported by Failed
		}
		_ = t.Flush() // reported by Failed
		out.Printf("%d files are included, %s before compression.\n", n, term.Bytes(size))
	})
}

// dryRun is what --dry-run --json prints.
type dryRun struct {
	ProjectID string             `json:"project_id"`
	Type      string             `json:"type"`
	Files     int                `json:"files"`
	Size      int64              `json:"size"` // bytes before compression
	Secrets   []string           `json:"secrets"`
	Lines     []int              `json:"secret_lines,omitempty"` // entries of .env whose names may be parts of secret values and are not shown
	Labels    []string           `json:"labels,omitempty"`
	Template  string             `json:"template,omitempty"`
	Resources *project.Resources `json:"resources,omitempty"`
	Protected []project.Feature  `json:"protected"`
	LeftOut   []leftOut          `json:"left_out,omitempty"` // files left out although the app may need them
}

type leftOut struct {
	Name string `json:"name"`
	Rule string `json:"rule"`
}

// show describes what a deployment would upload, without any secret's value.
func (o *Options) show(p *flow.Package) error {
	n, size := p.Files.Total()
	names, lines := p.Secrets.Shown()
	r := dryRun{
		ProjectID: p.Config.ID, Type: p.Config.Type, Files: n, Size: size, Secrets: names, Lines: lines,
		Labels: p.Config.Labels, Template: p.Config.Template, Resources: p.Config.Resources, Protected: []project.Feature{},
	}
	if p.MainApp != nil {
		r.Protected = append(r.Protected, project.MainApp)
	}
	if p.AnalyticsLogin != nil {
		r.Protected = append(r.Protected, project.Analytics)
	}
	for _, e := range p.Files.Missed() {
		r.LeftOut = append(r.LeftOut, leftOut{e.Name, e.Rule.String()})
	}
	dialog.WarnOfMissing(o.IO.Err, p.Files.Missed())
	return o.IO.Result(r, func(out *term.Stream) {
		line := func(name, value string) {
			if value == "" {
				value = "none"
			}
			out.Printf("%-11s %s\n", name+":", value)
		}
		line("Project", r.ProjectID+" ("+r.Type+")")
		line("Files", strconv.Itoa(n)+", "+term.Bytes(size)+" before compression")
		shown := r.Secrets
		for _, n := range r.Lines {
			shown = append(shown, "line "+strconv.Itoa(n)+" of "+p.Secrets.Source)
		}
		line("Secrets", strings.Join(shown, ", "))
		if r.Resources != nil {
			line("Resources", resources(*r.Resources))
		}
		line("Labels", strings.Join(r.Labels, ", "))
		var features []string
		for _, f := range r.Protected {
			features = append(features, string(f))
		}
		if len(features) == 0 && r.Template == project.TemplateAuth0 {
			line("Login", "at a provider (OpenID Connect)")
		} else {
			line("Password", strings.Join(features, ", "))
		}
		if r.Template != "" {
			line("Template", r.Template)
		}
		out.Println("Nothing was uploaded.")
	})
}

func resources(r project.Resources) string {
	return strconv.FormatFloat(r.CPU, 'g', -1, 64) + " CPU, " + strconv.Itoa(r.RAM) + " GB RAM, " + strconv.Itoa(r.GPU) + " GPU"
}
