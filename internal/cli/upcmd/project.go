package upcmd

import (
	"errors"
	"os"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
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
	for _, doubt := range o.Folder.Doubts(env) {
		o.IO.Err.Warn("%s", doubt)
	}
	vars, places := map[string]string{}, o.Folder.Places(env)
	for _, p := range env.Values(func(name string) (string, bool) { return o.Lookup(name) }) {
		if p.Null {
			continue
		}
		if err := holdable(p); err != nil {
			where := o.Folder.EnvPath() + ": the variable " + p.Key
			if place, unclear := places[p.Key]; unclear {
				where = place
			}
			return nil, failure.Failedf("%s cannot be handed to the app: %w", where, err).
				WithHint("take it out of the value, or encode the value in base64 and decode it in the app")
		}
		vars[p.Key] = p.Value
	}
	return vars, nil
}

// holdable is an error for what no environment can hold.
func holdable(p dotenv.Pair) error {
	switch {
	case strings.ContainsRune(p.Key, 0):
		return errors.New("its name holds a NUL character")
	case strings.ContainsRune(p.Value, 0):
		return errors.New("its value holds a NUL character, which ends a variable of the environment")
	}
	return nil
}
