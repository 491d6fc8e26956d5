package secretscmd

import (
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/flagset"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/term"
)

func newList(o Options, run runner) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the names of the secrets",
		Long: "List the names in .env and those that ploomber-cloud.json refers to, and whether each has a value.\n" +
			"Values are only shown with --reveal, as the app will see them.",
		Example: "  ploomber-cloud secrets list\n" +
			"  ploomber-cloud secrets list --json\n" +
			"  ploomber-cloud secrets list --reveal",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), "list", &o) },
	}
	c.Flags().BoolVar(&o.Reveal, "reveal", false, "show the values too")
	flagset.Config(c, &o.Folder.Config)
	return c
}

// listed is what 'secrets list --json' prints.
type listed struct {
	File    string   `json:"file"`
	Secrets []secret `json:"secrets"`
	Lines   []int    `json:"unclear_lines,omitempty"` // lines of the file that are not clear assignments: they may contain a value
}

// secret is one secret in 'secrets list --json'.
type secret struct {
	Name     string   `json:"name"`
	HasValue bool     `json:"has_value"`
	Source   string   `json:"source"`          // "file", "environment" or, for a name that is only referred to, "none"
	UsedBy   []string `json:"used_by"`         // what ploomber-cloud.json uses it for: features, "secret-keys"
	Value    *string  `json:"value,omitempty"` // with --reveal, if there is one
}

func (o *Options) list() error {
	env, err := o.env()
	if err != nil {
		return err
	}
	r := listed{File: o.Folder.EnvPath(), Secrets: o.secrets(env)}
	for _, doubt := range env.Doubts() {
		r.Lines = append(r.Lines, doubt.Line)
	}
	return o.IO.Result(r, func(out *term.Stream) {
		if len(r.Secrets) == 0 {
			out.Println("There are no secrets.")
			return
		}
		table := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		for _, s := range r.Secrets {
			_, _ = table.Write([]byte(s.line() + "\n")) // reported by Failed
		}
		_ = table.Flush() // reported by Failed
	})
}

func (o *Options) secrets(env flow.Env) []secret {
	config := o.config()
	used, shows := references(config), env.Shows(config)
	list := []secret{}
	add := func(name, source, value string) {
		if source != "environment" && !shows(name) { // a variable of the environment counts
			return
		}
		s := secret{Name: name, HasValue: value != "", Source: source, UsedBy: used[name]}
		if s.UsedBy == nil {
			s.UsedBy = []string{}
		}
		if o.Reveal && s.HasValue {
			s.Value = &value
		}
		list = append(list, s)
		delete(used, name)
	}
	unclear := env.Unclear()
	for _, p := range env.Values(dotenv.Lookup(o.Environ)) {
		if _, hidden := unclear[p.Key]; !hidden {
			add(p.Key, "file", p.Value)
		}
	}
	elsewhere := make([]string, 0, len(used))
	for name := range used {
		elsewhere = append(elsewhere, name)
	}
	slices.Sort(elsewhere)
	for _, name := range elsewhere {
		value, _ := o.Environ(name)
		source := "environment"
		if value == "" {
			source = "none"
		}
		add(name, source, value)
	}
	return list
}

// line is the secret as a table row.
func (s secret) line() string {
	state := "has a value"
	switch {
	case s.Value != nil:
		state = term.Printable(*s.Value)
	case s.Source == "none":
		state = "missing"
	case !s.HasValue:
		state = "empty"
	case s.Source == "environment":
		state = "has a value, from the environment"
	}
	columns := []string{term.Printable(s.Name), state}
	if len(s.UsedBy) > 0 {
		columns = append(columns, "used by "+strings.Join(s.UsedBy, ", "))
	}
	return strings.Join(columns, "\t")
}
