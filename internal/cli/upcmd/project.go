package upcmd

import (
	"os"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// config is the project's configuration, or one made of what the folder looks like: no account is needed.
func (o *Options) config() (*project.Config, error) {
	there, err := o.Folder.Initialised()
	if err != nil {
		return nil, err
	}
	if there {
		c, err := o.Folder.Load()
		if err == nil && o.Type != "" {
			c.Type = o.Type
		}
		return c, err
	}
	if o.Folder.Config != "" {
		return o.Folder.Load() // named, so it must be there
	}
	c := &project.Config{Type: o.Type}
	if c.Type == "" {
		guess, err := project.Infer(os.DirFS(o.Folder.Dir))
		if err != nil {
			return nil, failure.Failedf("cannot read app.py: %w", err)
		}
		c.Type = guess.Type
	}
	if c.Type == "" {
		return nil, failure.Failedf("there is no app here that we know how to run").
			WithHint("name its type with --type, or take an example with 'ploomber-cloud examples'")
	}
	return c, nil
}

// vars are the app's variables: those of .env, as a deployment hands them over.
func (o *Options) vars() (map[string]string, error) {
	env, _, err := o.Folder.Env()
	if err != nil {
		return nil, err
	}
	for _, w := range env.Warnings() {
		o.IO.Err.Warn("%s, line %d is passed over: %s", o.Folder.EnvPath(), w.Line, w.Reason)
	}
	vars := map[string]string{}
	for _, p := range env.Values(func(name string) (string, bool) { return o.Lookup(name) }) {
		if !p.Null {
			vars[p.Key] = p.Value
		}
	}
	return vars, nil
}
