package proxycmd

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/spelling"
)

// prefix begins the names of variables that set flags.
const prefix = "PLOOMBER_PROXY_"

func variable(flag string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// ours visits the flags that have a variable.
func ours(set *pflag.FlagSet, visit func(*pflag.Flag)) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" {
			visit(f)
		}
	})
}

// showVariables adds the name of its variable to each flag's help.
func showVariables(set *pflag.FlagSet) {
	ours(set, func(f *pflag.Flag) { f.Usage += " [" + variable(f.Name) + "]" })
}

// fromEnvironment sets flags that are not on the command line from their variables. An empty variable counts as
// unset: that is how compose files leave one out. Errors are collected for the plan, which reports them together
// with all others.
func (o *Options) fromEnvironment(set *pflag.FlagSet) {
	o.origin = map[string]string{}
	var known []string
	ours(set, func(f *pflag.Flag) {
		name := variable(f.Name)
		known = append(known, name)
		value, _ := o.Lookup(name)
		if f.Changed || value == "" {
			return
		}
		o.origin[f.Name] = name
		if err := f.Value.Set(value); err != nil {
			o.wrong.addf(name, "%w", err)
		}
	})
	for _, pair := range o.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(known, name) || config.ServiceLink(name, value) {
			continue
		}
		if near := spelling.Nearest(name, known); near != "" {
			o.wrong.addf(name, "unknown variable; did you mean %s?", near)
		} else {
			o.wrong.addf(name, "unknown variable; 'ploomber-cloud proxy --help' lists them")
		}
	}
}

// named returns the name under which the user set a setting: the variable, or the flag.
func (o *Options) named(flag string) string {
	if name, ok := o.origin[flag]; ok {
		return name
	}
	return "--" + flag
}
