package dialog

import (
	"context"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/flow"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/internal/prompt"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Init creates a project on the platform and the folder's configuration.
type Init struct {
	Folder  flow.Folder
	Report  Reporter
	Ask     Asker
	Connect flow.Connect

	Type  string // a project type; if "" it is inferred or prompted for
	Yes   bool   // accept an inferred type without asking
	Force bool   // replace an existing configuration, keeping its settings

	Files []string // further files that the command writes once the project exists
}

// Run creates the project. It makes no request before all questions are answered and the configuration and Files
// are known to be writable.
func (i Init) Run(ctx context.Context) (*project.Config, error) {
	old, err := i.Folder.Replaceable(i.Force)
	if err != nil {
		return nil, err
	}
	guess, err := i.guess(ctx)
	if err != nil {
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
	kind, err := i.kind(ctx, guess)
	if err != nil {
		return nil, err
	}
	api, err := i.Connect()
	if err != nil {
		return nil, err
	}
	return i.Folder.CreateProject(ctx, api, kind, old)
}

// guess infers the type of the folder if none is given. It returns an error if the type must be prompted for and
// no one can answer.
func (i Init) guess(ctx context.Context) (project.Guess, error) {
	if i.Type != "" {
		return project.Guess{}, nil
	}
	guess, err := i.Folder.Infer()
	switch {
	case err != nil:
		return guess, err
	case guess.Type == "":
		return guess, i.Ask.Expect(ctx, whichType())
	case !i.Yes:
		return guess, i.Ask.Expect(ctx, rightType())
	}
	return guess, nil
}

// Expect returns an error if Ensure will prompt and no one can answer.
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

// kind determines the project type.
func (i Init) kind(ctx context.Context, guess project.Guess) (string, error) {
	if i.Type != "" {
		return i.Type, nil
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

// Ensure returns the folder's configuration and, if there is none, offers to create the project first.
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
