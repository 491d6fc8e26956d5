package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Warnings says which lines of the file are not clear assignments, a sentence for each, and never what is in them.
func (e Env) Warnings() []string {
	return dotenv.Describe(e.Path, e.Doubts(), func(file string, d dotenv.Doubt) string {
		return lineOf(file, d.Line) + " " + d.String()
	})
}

func lineOf(file string, line int) string { return fmt.Sprintf("%s, line %d", file, line) }

// Places returns the locations of keys in the file that may be parts of values and must not be shown.
func (e Env) Places() map[string]string {
	places := map[string]string{}
	for key, line := range e.Unclear() {
		places[key] = lineOf(e.Path, line)
	}
	return places
}

// UnshownReferences returns the locations of references in the configuration that may be secret values.
func UnshownReferences(c *project.Config) map[string]string {
	places := map[string]string{}
	for _, feature := range project.Features() {
		at := c.Credentials(feature)
		if at == nil {
			continue
		}
		for part, v := range map[string]project.Value{"username": at.Username, "password": at.Password} {
			if v.Secret != "" && !dotenv.IsName(v.Secret) {
				places[v.Secret] = fmt.Sprintf("%s, the %s of %q", project.FileName, part, feature.ConfigKey())
			}
		}
	}
	return places
}

// Shows returns a function that reports whether the name of a secret may be shown. Names come from the secrets
// file, from the configuration, which may be nil and may contain values by mistake, and from the platform, which
// has them from earlier files. A name that the file does not confirm must look like a name by itself.
func (e Env) Shows(c *project.Config) func(name string) bool {
	known := map[string]bool{} // by name: may it be shown
	if e.Exists && (c == nil || !ignoresEnv(c)) {
		for _, name := range e.Valued() { // what has no value was never sent
			known[name] = false
		}
		for _, name := range e.Names() {
			known[name] = true
		}
	}
	return func(name string) bool {
		if shown, ok := known[name]; ok {
			return shown
		}
		return dotenv.IsName(name)
	}
}

// Listed joins names of secrets for messages: those that may be shown, and the number of others.
func Listed(names []string, shows func(name string) bool) string {
	shown := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !shows(name) })
	hidden := len(names) - len(shown)
	if hidden == 0 {
		return strings.Join(shown, ", ")
	}
	rest := fmt.Sprintf("%d not shown because the name may be part of a secret value", hidden)
	if len(shown) == 0 {
		return rest
	}
	return strings.Join(shown, ", ") + " and " + rest
}

// placed replaces a name that must not be shown by its location.
func placed(wrong config.Mistake, places map[string]string) config.Mistake {
	if place, ok := places[wrong.Name]; ok {
		wrong.Name = place
	}
	return wrong
}
