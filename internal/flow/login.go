package flow

import (
	"maps"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// LoginSource is the input from which config.From derives the login of a project: the secrets file, the variables
// of the process, and the login settings of the configuration.
func (f Folder) LoginSource(env Env, c *project.Config, environ Lookup) config.Source {
	vars, names := map[string]string{}, []string{}
	for _, p := range env.Values(dotenv.Lookup(environ)) {
		vars[p.Key], names = p.Value, append(names, p.Key) // a name without '=' is a variable without a value, not a missing one
	}
	places := env.Places()
	maps.Copy(places, UnshownReferences(c))
	return config.Source{
		Lookup: func(name string) (string, bool) {
			if v, ok := vars[name]; ok {
				return v, true
			}
			return environ(name)
		},
		Names: names, Places: places, File: env.Path, Project: Logins(c), ReadFile: f.ReadUsers,
	}
}

// maxUsers limits the size of a users file, in bytes; authproxy accepts less.
const maxUsers = 2 << 20

// ReadUsers reads a users file named by a variable, relative to the project's folder.
func (f Folder) ReadUsers(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(f.Dir, name)
	}
	return readFile(name, maxUsers)
}

// Logins are the login settings of the configuration.
func Logins(c *project.Config) config.Project {
	value := func(v project.Value) config.Value {
		return config.Value{Literal: config.Secret(v.Text), Variable: v.Secret}
	}
	logins := map[config.Feature]config.LoginRef{}
	for _, feature := range project.Features() {
		if at := c.Credentials(feature); at != nil {
			logins[config.Feature(feature)] = config.LoginRef{Username: value(at.Username), Password: value(at.Password)}
		}
	}
	return config.Project{Template: c.Template, Logins: logins}
}
