package flow

import (
	"maps"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// LoginSource is what the login of a project is made from, by config.From: the secrets file, then the
// variables of the process, and what the configuration says about logins.
func (f Folder) LoginSource(env Env, c *project.Config, environ Lookup) config.Source {
	vars, names := map[string]string{}, []string{}
	for _, p := range env.Values(dotenv.Lookup(environ)) {
		vars[p.Key], names = p.Value, append(names, p.Key) // a name without '=' is one without value, not one less
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

// maxUsers bounds what is read as a file of users, in bytes; authproxy refuses less.
const maxUsers = 2 << 20

// ReadUsers reads a file of users that a variable names, from the project's folder.
func (f Folder) ReadUsers(name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(f.Dir, name)
	}
	return readFile(name, maxUsers)
}

// Logins is what the configuration says about logins.
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
