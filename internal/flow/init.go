package flow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/fsx"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// Connect returns an API client; its error means that there is no key.
type Connect func() (*cloudapi.Client, error)

// Replaceable checks that the configuration may be written: it does not exist or force is set, and its folder is
// writable. It returns the existing one, as far as it can be read, or nil.
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
		return nil, fsx.Check(path) // a dangling link
	}
	var old *project.Config
	if there {
		old, err = f.Load()
		var invalid *project.Invalid
		switch {
		case !force && err == nil:
			return nil, failure.Failedf("project already initialized with id: %s", old.ID).
				WithHint("to deploy it, run 'ploomber-cloud deploy'; to start over, 'ploomber-cloud init --force'")
		case err != nil && (!force || !errors.As(err, &invalid)):
			return nil, err
		}
	}
	if info, statErr := os.Stat(filepath.Dir(path)); statErr != nil || !info.IsDir() {
		return nil, failure.Failedf("folder not found: %s", filepath.Dir(path)).
			WithHint("run 'mkdir %s' first", filepath.Dir(path))
	}
	return old, fsx.Check(path)
}

// CreateProject creates a project of a type on the platform, and the folder's configuration with the settings of
// old, which may be nil.
func (f Folder) CreateProject(ctx context.Context, api *cloudapi.Client, kind string, old *project.Config) (*project.Config, error) {
	created, err := api.CreateProject(ctx, kind)
	var told *cloudapi.Error
	if errors.As(err, &told) && told.Uncertain() {
		return nil, failure.Failedf("cannot create the project: %w; the platform may have created it anyway", err).
			WithHint("before you retry, check with 'ploomber-cloud init --from-existing'")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot create the project: %w", err)
	}
	c, _ := project.Parse(created.Object) // what a configuration cannot contain is omitted
	c.ID, c.Type = created.ID, created.Type
	if c.Keep(old); old != nil {
		c.Base = old.Base
	}
	if err := f.Save(c, Env{}); err != nil {
		return nil, failure.Failedf("the project %s was created, but its configuration could not be written: %w", c.ID, err).
			WithHint("run 'ploomber-cloud init --from-existing --only-config --project %s'", c.ID)
	}
	return c, nil
}

// Infer determines the type of the app in the folder.
func (f Folder) Infer() (project.Guess, error) {
	guess, err := project.Infer(os.DirFS(f.Dir))
	if err != nil {
		return project.Guess{}, failure.Failedf("cannot read app.py: %w", fsx.Cause(err))
	}
	return guess, nil
}
