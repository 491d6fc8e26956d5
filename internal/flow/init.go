package flow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Connect makes a client for the platform; its error says that there is no key.
type Connect func() (*cloudapi.Client, error)

// Init makes a project on the platform and the folder's configuration.
type Init struct {
	Folder  Folder
	Report  Reporter
	Ask     Asker
	Connect Connect

	Type  string // a project type; "" is inferred or asked for
	Yes   bool   // an inferred type is taken without asking
	Force bool   // an existing configuration is replaced, its settings kept

	Files []string // that the command writes once there is a project, beside the configuration
}

// Run makes the project. Nothing is requested before every question is answered and the configuration and Files are
// known to be writable.
func (i Init) Run(ctx context.Context) (*project.Config, error) {
	old, err := i.Folder.Replaceable(i.Force)
	if err != nil {
		return nil, err
	}
	if err := i.answerable(ctx); err != nil {
		return nil, err
	}
	if err := fsx.Check(i.Files...); err != nil {
		return nil, err
	}
	if i.Force {
		i.Report.Note("Re-initializing project...")
	} else {
		i.Report.Note("Initializing new project...")
	}
	kind, err := i.kind(ctx)
	if err != nil {
		return nil, err
	}
	api, err := i.Connect()
	if err != nil {
		return nil, err
	}
	created, err := api.CreateProject(ctx, kind)
	var told *cloudapi.Error
	if errors.As(err, &told) && told.Uncertain() {
		return nil, failure.Failedf("cannot create the project: %w; the platform may have made it all the same", err).
			WithHint("before you try again, look for it with 'ploomber-cloud init --from-existing'")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot create the project: %w", err)
	}
	c, _ := project.Parse(created.Object) // what a configuration cannot hold is left out
	c.ID, c.Type = created.ID, created.Type
	c.Keep(old)
	if err := i.Folder.Save(c, nil); err != nil {
		return nil, failure.Failedf("the project %s was created, but its configuration could not be written: %w", c.ID, err).
			WithHint("run 'ploomber-cloud init --from-existing --only-config --project %s'", c.ID)
	}
	return c, nil
}

// Replaceable checks that the configuration may be written: that there is none, or force is set, and that
// its folder takes files. It returns the one that is replaced, as far as it can be read, or nil.
func (f Folder) Replaceable(force bool) (*project.Config, error) {
	path, err := f.ConfigPath()
	if err != nil {
		return nil, err
	}
	there, err := f.Initialised()
	if err != nil {
		return nil, err
	}
	if _, statErr := os.Stat(path); there && errors.Is(statErr, fs.ErrNotExist) {
		return nil, fsx.Check(path) // a link that leads nowhere
	}
	var old *project.Config
	if there {
		old, err = f.Load()
		var invalid *project.Invalid
		switch {
		case !force && err == nil:
			return nil, failure.Failedf("project already initialized with id: %s", old.ID).
				WithHint("to deploy it, run 'ploomber-cloud deploy'; to begin anew, 'ploomber-cloud init --force'")
		case err != nil && (!force || !errors.As(err, &invalid)):
			return nil, err
		}
	}
	if info, statErr := os.Stat(filepath.Dir(path)); statErr != nil || !info.IsDir() {
		return nil, failure.Failedf("there is no folder %s", filepath.Dir(path)).
			WithHint("run 'mkdir %s' first", filepath.Dir(path))
	}
	return old, fsx.Check(path)
}

// answerable is an error where the type will be asked for and nobody can answer.
func (i Init) answerable(ctx context.Context) error {
	if i.Type != "" {
		return nil
	}
	guess, err := project.Infer(os.DirFS(i.Folder.Dir))
	switch {
	case err != nil:
		return nil //nolint:nilerr // kind tells
	case guess.Type == "":
		return i.Ask.Expect(ctx, whichType())
	case !i.Yes:
		return i.Ask.Expect(ctx, rightType())
	}
	return nil
}

// Expect is an error where Ensure will ask and nobody can answer.
func (i Init) Expect(ctx context.Context) error {
	there, err := i.Folder.Initialised()
	if err != nil || there {
		return nil //nolint:nilerr // Ensure tells
	}
	return i.Ask.Expect(ctx, mayInit())
}

func whichType() prompt.Question {
	return prompt.Question{Label: "Please specify one of: " + strings.Join(project.Types(), ", "), Flag: "--type", Exact: true}
}

func rightType() prompt.Question {
	return prompt.Question{Label: "Is this correct?", Flag: "--yes, or name it with --type"}
}

func mayInit() prompt.Question {
	return prompt.Question{
		Label: "Project must be initialized to continue. Would you like to initialize?",
		Flag:  "'ploomber-cloud init' before this command",
	}
}

// kind finds the project type.
func (i Init) kind(ctx context.Context) (string, error) {
	if i.Type != "" {
		return i.Type, nil
	}
	guess, err := project.Infer(os.DirFS(i.Folder.Dir))
	if err != nil {
		return "", failure.Failedf("cannot read app.py: %w", cause(err))
	}
	if guess.Framework != "" {
		name := strings.ToUpper(guess.Framework[:1]) + guess.Framework[1:]
		i.Report.Note("This looks like a %s app, which runs as a Docker project.", name)
		if !guess.HasDockerfile {
			i.Report.Warn("it needs a Dockerfile: see https://docs.cloud.ploomber.io/en/latest/apps/%s.html", guess.Framework)
		}
	}
	if guess.Type != "" {
		i.Report.Note("Inferred project type: '%s'", guess.Type)
		if i.Yes {
			return guess.Type, nil
		}
		right, err := i.Ask.Confirm(ctx, rightType(), true)
		if err != nil || right {
			return guess.Type, err
		}
	} else {
		i.Report.Note("Could not infer project type.")
	}
	types := project.Types()
	n, err := i.Ask.Choose(ctx, whichType(), types, "Please enter one of the listed types", nil)
	if err != nil {
		return "", err
	}
	return types[n], nil
}

// Ensure returns the folder's configuration and, where there is none, offers to make the project first.
func (i Init) Ensure(ctx context.Context) (*project.Config, error) {
	there, err := i.Folder.Initialised()
	if err != nil {
		return nil, err
	}
	if there {
		return i.Folder.Load()
	}
	yes, err := i.Ask.Confirm(ctx, mayInit(), true)
	if err != nil {
		return nil, err
	}
	if !yes {
		return nil, failure.Failedf("the project is not initialized").WithHint("run 'ploomber-cloud init'")
	}
	c, err := i.Run(ctx)
	if err == nil {
		i.Report.Success("Your app '%s' has been configured successfully!", c.ID)
	}
	return c, err
}
