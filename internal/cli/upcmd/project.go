package upcmd

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/dotenv"
	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/detect"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// project returns the project's configuration, or one inferred from the folder, and its app. No account is needed.
func (o *Options) project(ctx context.Context, vars map[string]string) (*project.Config, platform.App, error) {
	c, err := o.config()
	if err != nil {
		return nil, platform.App{}, err
	}
	find := detect.Options{
		Framework: platform.Framework(c.Type), Command: o.Command, NoEngine: !o.engine(), Environ: platform.Environ(o.Environ(), vars),
	}
	find.Entry = cmp.Or(o.Entry, platform.Lookup(find.Environ, flow.EntryKey))
	if home, err := o.home(); err == nil && home != "" && !o.IsolatedHome {
		find.Home = os.DirFS(home)
	}
	app, err := detect.Find(os.DirFS(o.Folder.Dir), find)
	var several *detect.Ambiguous
	if errors.As(err, &several) {
		app, err = o.choose(ctx, several, find)
	}
	if err != nil {
		return nil, app, err
	}
	if c.Type == "" {
		c.Type = string(app.Framework)
	}
	if app.Framework != platform.Framework(c.Type) && c.Type == string(platform.Docker) {
		o.IO.Err.Note("it runs without a container; a deployment needs a Dockerfile")
	}
	if app.BaseFrom != "" {
		o.IO.Err.Note("the app is served below %s, as set by %s", app.Base, app.BaseFrom)
	}
	return c, app, nil
}

// choose prompts for the file that starts the app, if there are several.
func (o *Options) choose(ctx context.Context, several *detect.Ambiguous, find detect.Options) (platform.App, error) {
	var options []string
	for _, app := range several.Apps {
		options = append(options, app.Entry)
	}
	n, err := o.Ask.Choose(ctx, prompt.Question{Label: "Which file starts the app?", Flag: "--entry"}, options, "Please choose one of the files.", nil)
	switch {
	case err != nil && (ctx.Err() != nil || failure.Code(err) == failure.Interrupted):
		return platform.App{}, err
	case err != nil: // no one can answer
		return platform.App{}, failure.Usagef("%w", several).
			WithHint("name one with --entry %s, or with %s=%s in .env", options[0], flow.EntryKey, options[0])
	}
	find.Entry = options[n]
	return detect.Find(os.DirFS(o.Folder.Dir), find)
}

// home is the home folder for the app.
func (o *Options) home() (string, error) {
	if o.Home == nil {
		return "", nil
	}
	return o.Home()
}

// engine reports whether a program that runs containers is installed.
func (o *Options) engine() bool {
	_, err := platform.FindProgram(o.Environ(), "docker", "podman")
	return err == nil
}

// config is the project's configuration, or an empty one. --type overrides its type.
func (o *Options) config() (*project.Config, error) {
	c, there, err := o.Folder.Find()
	if err != nil {
		return nil, err
	}
	if !there {
		c = &project.Config{}
	}
	if o.Type != "" {
		c.Type = o.Type
	}
	return c, nil
}

// vars are the app's variables: those of .env, as a deployment passes them.
func (o *Options) vars(env flow.Env) (map[string]string, error) {
	for _, warning := range env.Warnings() {
		o.IO.Err.Warn("%s", warning)
	}
	vars, places := map[string]string{}, env.Places()
	for _, p := range env.Values(func(name string) (string, bool) { return o.Lookup(name) }) {
		if p.Null {
			continue
		}
		if err := holdable(p); err != nil {
			where := env.Path + ": the variable " + p.Key
			if place, unclear := places[p.Key]; unclear {
				where = place
			}
			return nil, failure.Failedf("%s cannot be passed to the app: %w", where, err).
				WithHint("remove it from the value, or encode the value in base64 and decode it in the app")
		}
		vars[p.Key] = p.Value
	}
	return vars, nil
}

// holdable returns an error for what an environment variable cannot hold.
func holdable(p dotenv.Pair) error {
	switch {
	case strings.ContainsRune(p.Key, 0):
		return errors.New("its name contains a NUL character")
	case strings.ContainsRune(p.Value, 0):
		return errors.New("its value contains a NUL character, which environment variables cannot hold")
	}
	return nil
}
