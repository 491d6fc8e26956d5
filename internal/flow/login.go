package flow

import (
	"maps"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// LoginSource is what the login of a project is made from, by authproxy.ConfigFrom: the secrets file, then the
// variables of the process, and what the configuration says about logins.
func (f Folder) LoginSource(c *project.Config, environ Lookup) (authproxy.Source, error) {
	env, _, err := f.Env()
	if err != nil {
		return authproxy.Source{}, err
	}
	vars, names := map[string]string{}, []string{}
	for _, p := range env.Values(dotenv.Lookup(environ)) {
		vars[p.Key], names = p.Value, append(names, p.Key) // a name without '=' is one without value, not one less
	}
	places := f.Places(env)
	maps.Copy(places, UnshownReferences(c))
	return authproxy.Source{
		Lookup: func(name string) (string, bool) {
			if v, ok := vars[name]; ok {
				return v, true
			}
			return environ(name)
		},
		Names: names, Places: places, File: f.EnvPath(), Project: Logins(c), ReadFile: f.ReadUsers,
	}, nil
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
func Logins(c *project.Config) authproxy.Project {
	value := func(v project.Value) authproxy.Value {
		return authproxy.Value{Literal: authproxy.Secret(v.Text), Variable: v.Secret}
	}
	logins := map[authproxy.Feature]authproxy.LoginRef{}
	for _, feature := range project.Features() {
		if at := c.Credentials(feature); at != nil {
			logins[authproxy.Feature(feature)] = authproxy.LoginRef{Username: value(at.Username), Password: value(at.Password)}
		}
	}
	return authproxy.Project{Template: c.Template, Logins: logins}
}
