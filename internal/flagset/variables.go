package flagset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/spelling"
)

// Variables sets the flags of a server's command from the environment: PREFIX_LISTEN is the variable of --listen.
type Variables struct {
	Prefix  string // ends in _
	Command string // for messages, such as "proxy"
	Lookup  func(name string) (string, bool)
	Environ func() []string // NAME=value

	origin map[string]string // flags set by a variable: its name
}

// Of is the name of a flag's variable.
func (v *Variables) Of(flag string) string {
	return v.Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// each visits the flags that have a variable.
func (v *Variables) each(c *cobra.Command, visit func(*pflag.Flag)) {
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			visit(f)
		}
	})
}

// Show adds the name of its variable to the help of each flag.
func (v *Variables) Show(c *cobra.Command) {
	v.each(c, func(f *pflag.Flag) { f.Usage += " [" + v.Of(f.Name) + "]" })
}

// Set sets the flags that are not on the command line from their variables. An empty variable counts as unset: that is how
// compose files leave one out. wrong gets each mistake with the name of its variable; a misspelt variable is one.
func (v *Variables) Set(c *cobra.Command, wrong func(name string, err error)) {
	v.origin = map[string]string{}
	var known []string
	v.each(c, func(f *pflag.Flag) {
		name := v.Of(f.Name)
		known = append(known, name)
		value, _ := v.Lookup(name)
		if f.Changed || value == "" {
			return
		}
		v.origin[f.Name] = name
		if err := f.Value.Set(value); err != nil {
			wrong(name, err)
		}
	})
	for _, pair := range v.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, v.Prefix) || slices.Contains(known, name) || config.ServiceLink(name, value) {
			continue
		}
		if near := spelling.Nearest(name, known); near != "" {
			wrong(name, fmt.Errorf("unknown variable; did you mean %s?", near))
		} else {
			wrong(name, fmt.Errorf("unknown variable; 'ploomber-cloud %s --help' lists them", v.Command))
		}
	}
}

// Named is the name under which the user has set a flag: its variable, or the flag itself.
func (v *Variables) Named(flag string) string {
	if name, ok := v.origin[flag]; ok {
		return name
	}
	return "--" + flag
}
