// Package githubcmd writes the GitHub workflow that deploys the project on each push.
package githubcmd

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dialog"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/internal/settings"
	"github.com/ploomber/ploomber-cloud/internal/term"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Options holds what one run needs; the command line fills Flags, the root everything else.
type Options struct {
	IO       *term.IO
	Ask      dialog.Asker
	Connect  flow.Connect
	Workflow flow.Workflow // its Folder is the project's
	Environ  flow.Lookup
	Flags
}

// Flags are the values set on the command line.
type Flags struct {
	Yes        bool
	AddSecrets *bool // nil: prompt
}

// New builds the command. run is nil in production; tests pass their own to inspect Options.
func New(o Options, run func(context.Context, *Options) error) *cobra.Command {
	if run == nil {
		run = github
	}
	var addSecrets bool
	c := &cobra.Command{
		Use:         "github",
		Annotations: failure.Statuses(failure.NotAllowed),
		Short:       "Deploy from GitHub on every push",
		Long: "Write .github/workflows/ploomber-cloud.yaml, or update it. The workflow passes the app those secrets of the\n" +
			"repository that 'secret-keys' in ploomber-cloud.json lists; it offers to add missing names to the list.\n\n" +
			"If you are logged in to a platform, or with --offline, it is the workflow that is built into this program. It deploys to\n" +
			"the platform whose address is the repository's secret or variable PLOOMBER_CLOUD_API_URL.",
		Example: "  ploomber-cloud github\n" +
			"  ploomber-cloud github --yes --add-secrets         # no prompts\n" +
			"  ploomber-cloud github --yes --add-secrets=false   # leave ploomber-cloud.json as it is",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("add-secrets") {
				o.AddSecrets = &addSecrets
			}
			return run(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.Yes, "yes", "y", false, "write the workflow without asking")
	f.BoolVar(&o.Workflow.Offline, "offline", o.Workflow.Offline, "do not download the workflow: use the one built into this program")
	f.BoolVar(&addSecrets, "add-secrets", false, "add missing names to 'secret-keys'; --add-secrets=false leaves them out")
	return c
}

// result is what --json prints.
type result struct {
	Path         string   `json:"path"`
	Status       string   `json:"status"`        // "created", "updated", "up-to-date" or "refused"
	Secrets      []string `json:"secrets"`       // secrets the repository must have, the API key first
	SecretsAdded []string `json:"secrets_added"` // names added to 'secret-keys'
}

// The possible outcomes.
const (
	created  = "created"
	updated  = "updated"
	upToDate = "up-to-date"
	refused  = "refused"
)

func github(ctx context.Context, o *Options) error {
	if !o.Workflow.InGit() {
		return failure.Failedf("no .git folder found: the workflow belongs in the top folder of a git repository").
			WithHint("run the command there, or create a repository with 'git init'")
	}
	config := o.config()
	current, exists, err := o.Workflow.Current()
	if err != nil {
		return err
	}
	if !exists && !o.Yes { // otherwise it may be up to date, and no prompt is needed
		if err := o.Ask.Expect(ctx, o.mayWrite(exists)); err != nil {
			return err
		}
	}
	template, status, same := "", created, false
	if exists {
		status = updated
		if template, err = o.template(ctx); err != nil {
			return err
		}
		rendered, _ := flow.Render(template, secretKeys(config))
		same = flow.UpToDate(current, rendered, nil)
		if same && !o.mayLackSecrets(config) {
			return o.done(upToDate, current, secretKeys(config), nil)
		}
	}
	if !same {
		yes, err := o.confirm(ctx, exists)
		if err != nil {
			return err
		}
		if !yes {
			return o.done(refused, template, secretKeys(config), nil)
		}
	}
	var added []string
	if config != nil {
		if added, err = o.addSecrets(ctx, config); err != nil {
			return err
		}
	}
	if same && len(added) == 0 {
		return o.done(upToDate, current, secretKeys(config), nil)
	}
	if !exists {
		if template, err = o.template(ctx); err != nil {
			return err
		}
	}
	if err := o.write(template, config, len(added) > 0); err != nil {
		return err
	}
	return o.done(status, template, secretKeys(config), added)
}

// mayLackSecrets reports whether the secrets of an up-to-date workflow should be checked: if it passes some, or if
// they were asked for. The reference tool does not prompt in this case.
func (o *Options) mayLackSecrets(config *project.Config) bool {
	return config != nil && (len(config.SecretKeys) > 0 || o.AddSecrets != nil && *o.AddSecrets)
}

// config is the project's configuration, nil if there is no usable one: the workflow is useful without secrets
// too.
func (o *Options) config() *project.Config {
	there, err := o.Workflow.Folder.Initialised()
	if err == nil && !there {
		return nil
	}
	config, err := o.Workflow.Folder.Load()
	if err != nil {
		o.IO.Err.Warn("the workflow will only pass the API key, no other secrets: %v", err)
		return nil
	}
	return config
}

func secretKeys(config *project.Config) []string {
	if config == nil {
		return nil
	}
	return config.SecretKeys
}

func (o *Options) template(ctx context.Context) (string, error) {
	text, why, err := o.Workflow.Template(ctx)
	if why != nil {
		o.IO.Err.Warn("The newest workflow cannot be downloaded: %v. Using the one built into this program.", why)
	}
	return text, err
}

func (o *Options) confirm(ctx context.Context, exists bool) (bool, error) {
	if o.Yes {
		return true, nil
	}
	return o.Ask.Confirm(ctx, o.mayWrite(exists), true)
}

func (o *Options) mayWrite(exists bool) prompt.Question {
	label := "Generate the GitHub workflow " + o.Workflow.Path() + "?"
	if exists {
		label = "Replace the GitHub workflow " + o.Workflow.Path() + " with the newest one?"
	}
	return prompt.Question{Label: label, Flag: "--yes"}
}

// write writes the workflow and, if it changed, the configuration: both or neither.
func (o *Options) write(template string, config *project.Config, changed bool) error {
	path := o.Workflow.Path()
	text, ok := flow.Render(template, secretKeys(config))
	if !ok && len(secretKeys(config)) > 0 {
		o.IO.Err.Warn("the workflow does not pass an API key, so it cannot pass secrets either: see %s", path)
	}
	files := []fsx.File{{Path: path, Data: []byte(text), Mode: fsx.Public}}
	if changed {
		file, err := o.Workflow.Folder.ConfigFile(config)
		if err != nil {
			return err
		}
		if err := fsx.Check(file.Path); err != nil { // before creating a folder
			return err
		}
		files = append(files, file)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return failure.Failedf("cannot create the folder for the workflow: %w", err)
	}
	return fsx.Replace(files...)
}

func (o *Options) done(status, workflow string, secrets, added []string) error {
	r := result{Path: o.Workflow.Path(), Status: status, Secrets: flow.Variables(workflow), SecretsAdded: added}
	for _, name := range secrets {
		if flow.SecretName(name) && !slices.Contains(r.Secrets, name) {
			r.Secrets = append(r.Secrets, name)
		}
	}
	if added == nil {
		r.SecretsAdded = []string{}
	}
	return o.IO.Result(r, func(out *term.Stream) {
		switch status {
		case upToDate:
			out.Printf("%s is up-to-date.\n", r.Path)
			return
		case refused:
			out.Println("Nothing was written.")
			return
		}
		out.Printf("%s: %s\n", out.Green("Successfully "+status), r.Path)
		commit := r.Path
		if len(added) > 0 {
			commit += " and " + project.FileName
		}
		out.Printf("Commit and push %s.\n", commit)
		out.Println("The repository needs these secrets, under Settings > Secrets and variables > Actions:")
		out.Println("  " + strings.Join(r.Secrets, "\n  "))
		if slices.Contains(r.Secrets, settings.APIVariable) {
			out.Printf("%s is the address of the platform; it may be a variable instead of a secret.\n", settings.APIVariable)
			return
		}
		out.Println("See https://docs.cloud.ploomber.io/en/latest/user-guide/github.html")
	})
}
