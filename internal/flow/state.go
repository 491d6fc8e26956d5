package flow

import (
	"context"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
	"github.com/ploomber/ploomber-cloud/pkg/project"
)

// State is what the platform knows about a project and its newest deployment.
type State struct {
	Project *cloudapi.Project
	Newest  *cloudapi.ProjectJob // nil: never deployed
	Job     *cloudapi.Job        // of Newest
}

// StateOf fetches a project and its newest deployment, if any.
func StateOf(ctx context.Context, api *cloudapi.Client, projectID string) (State, error) {
	p, err := api.Project(ctx, projectID)
	if err != nil || len(p.Jobs) == 0 {
		return State{Project: p}, err
	}
	job, err := api.Job(ctx, p.Jobs[0].ID)
	return State{Project: p, Newest: &p.Jobs[0], Job: job}, err
}

// Protected lists the password-protected features of the newest deployment.
func (s State) Protected() []project.Feature {
	protected := []project.Feature{}
	if s.Newest != nil && s.Newest.AuthEnabled {
		protected = append(protected, project.MainApp)
	}
	if s.Newest != nil && s.Newest.AuthAnalyticsEnabled {
		protected = append(protected, project.Analytics)
	}
	return protected
}

// ProjectID is the given id, or that of the folder's configuration.
func (f Folder) ProjectID(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	c, err := f.Load()
	if err != nil {
		return "", err
	}
	return c.ID, nil
}

// NamedProject is ProjectID for commands that in the reference tool require the flag: without it and without a
// configuration it is a usage error.
func (f Folder) NamedProject(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	there, err := f.Initialised()
	if err == nil && !there {
		return "", failure.Usagef("--project-id is required if there is no %s", project.FileName)
	}
	return f.ProjectID("")
}

// SecretNames lists the secrets that a deployment of c would send, like Secrets but without values; source is ""
// and names nil if it would send none and the platform would keep its own.
func (e Env) SecretNames(c *project.Config) (names []string, source string) {
	switch {
	case e.Exists && !ignoresEnv(c):
		return e.Valued(), e.Path
	case len(c.SecretKeys) == 0:
		return nil, ""
	}
	return c.SecretKeys, "secret-keys"
}

// Valued lists the keys of the file that have a value, be it an empty one.
func (e Env) Valued() []string {
	names := []string{}
	for _, p := range e.Values(nil) {
		if !p.Null {
			names = append(names, p.Key)
		}
	}
	return names
}
