package proxycmd

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// login reads the access configuration: the environment first, then the secrets file and the project's
// configuration. Neither file has to exist unless it was named.
func (o *Options) login(wrong *mistakes, warn func(string)) config.Config {
	before := len(*wrong)
	file, places := o.secrets(wrong, warn)
	logins, referred := o.project(wrong)
	if len(*wrong) > before {
		return config.Config{} // their content is unknown, and checking half of it would only report wrong errors
	}
	maps.Copy(places, referred)
	c, err := config.From(config.Source{
		Lookup: func(name string) (string, bool) {
			if v, ok := o.Lookup(name); ok {
				return v, true
			}
			v, ok := file[name]
			return v, ok
		},
		Names: o.names(file), Places: places, Project: logins, Public: o.Public, ReadFile: o.Folder.ReadUsers,
	})
	if err != nil {
		wrong.add(err)
		return config.Config{}
	}
	if o.Feature == "" {
		o.setBase(&c, wrong, warn)
		return c
	}
	c = c.Only(o.Feature)
	o.setBase(&c, wrong, warn)
	if err := c.Validate(); errors.Is(err, config.ErrUnprotected) {
		wrong.addf(o.named("feature"), "%s has no credentials: set username_%[1]s and password_%[1]s", o.Feature)
	} else {
		wrong.add(err)
	}
	return c
}

// secrets returns the variables of the secrets file, and where it has lines that may not be assignments.
func (o *Options) secrets(wrong *mistakes, warn func(string)) (vars, places map[string]string) {
	env, err := o.Folder.Env()
	switch {
	case err != nil:
		wrong.add(err)
		return nil, nil
	case !env.Exists && o.Folder.EnvFile != "":
		wrong.addf(o.named("env-file"), "file not found: %s", o.Folder.EnvPath())
		return nil, nil
	}
	for _, text := range env.Warnings() {
		warn(text)
	}
	vars, places = map[string]string{}, env.Places()
	for _, p := range env.Values(dotenv.Lookup(o.Lookup)) {
		vars[p.Key] = p.Value // a name without '=' is a variable without a value: half a login must not count as none
		if _, unclear := places[p.Key]; strings.HasPrefix(p.Key, prefix) && !unclear {
			warn(fmt.Sprintf("%s: %s has an effect only as an environment variable", env.Path, p.Key))
		}
	}
	return vars, places
}

// project reads the login settings of ploomber-cloud.json, and where it refers to secrets by what may be their
// values.
func (o *Options) project(wrong *mistakes) (logins config.Project, places map[string]string) {
	there, err := o.Folder.Initialised()
	if err == nil && !there && o.Folder.Config == "" {
		return config.Project{}, nil
	}
	if err == nil && !there {
		path, _ := o.Folder.ConfigPath() // Initialised has found it
		err = failure.Failedf("%s: file not found: %s", o.named("config"), path)
	}
	if err != nil {
		wrong.add(err)
		return config.Project{}, nil
	}
	c, err := o.Folder.Load()
	if err != nil {
		wrong.add(err)
		return config.Project{}, nil
	}
	return flow.Logins(c), flow.UnshownReferences(c)
}

// names are all names in the file and the environment, among which misspellings are searched.
func (o *Options) names(file map[string]string) []string {
	var names []string
	for name := range file {
		names = append(names, name)
	}
	for _, pair := range o.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	return names
}
