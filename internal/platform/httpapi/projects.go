package httpapi

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

func (a *API) getUser(w http.ResponseWriter, r *request) error {
	type model struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	return a.reply(w, map[string]model{"_model": {r.user.Name, limitsOf(r.user).tier.Name}})
}

type projectSummary struct {
	ID      string             `json:"id"`
	Name    string             `json:"name"`
	Type    platform.Framework `json:"type"`
	Labels  []string           `json:"labels"`
	Created time.Time          `json:"created_at"`
}

func summaryOf(p platform.Project) projectSummary {
	return projectSummary{ID: p.ID, Name: p.ID, Type: p.Type, Labels: list(p.Labels), Created: p.Created.UTC()}
}

// list makes an empty list of nil, which JSON would have as null.
func list[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func (a *API) listProjects(w http.ResponseWriter, r *request) error {
	projects, err := a.Projects.Projects(r.Context(), r.user.ID)
	if err != nil {
		return err
	}
	summaries := make([]projectSummary, 0, len(projects))
	for _, p := range projects {
		summaries = append(summaries, summaryOf(p))
	}
	return a.reply(w, map[string][]projectSummary{"projects": summaries})
}

type projectJob struct {
	ID        string    `json:"id"`
	Status    string    `json:"status"`
	CPU       float64   `json:"cpu"`
	RAM       int       `json:"ram"`
	GPU       int       `json:"gpu"`
	Auth      bool      `json:"auth_enabled"`
	Analytics bool      `json:"auth_analytics_enabled"`
	Created   time.Time `json:"created_at"`
}

func (a *API) getProject(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	deployments, err := a.Deployments.Deployments(r.Context(), p.ID)
	if err != nil {
		return err
	}
	reply := struct {
		projectSummary
		Secrets []string     `json:"secrets"`
		Jobs    []projectJob `json:"jobs"`
	}{projectSummary: summaryOf(p), Secrets: []string{}, Jobs: []projectJob{}}
	if len(deployments) > 0 {
		newest := deployments[0]
		reply.Type = newest.Type // clients take it over into ploomber-cloud.json
		reply.Secrets = list(slices.Clone(newest.Variables))
	}
	for _, d := range deployments {
		reply.Jobs = append(reply.Jobs, projectJob{
			ID: d.ID, Status: statusOf(d), CPU: d.Resources.CPU, RAM: d.Resources.RAM, GPU: d.Resources.GPU,
			Auth: d.Login, Analytics: d.Analytics, Created: d.Created.UTC(),
		})
	}
	return a.reply(w, reply)
}

// newProject is the whole reply, because the Python tool writes all of it to ploomber-cloud.json.
type newProject struct {
	ID   string             `json:"id"`
	Type platform.Framework `json:"type"`
}

func (a *API) createProject(w http.ResponseWriter, r *request) error {
	t, err := projectType(r.PathValue("project"))
	if err != nil {
		return err
	}
	p, err := a.create(r, t)
	if err != nil {
		return err
	}
	return a.reply(w, newProject{p.ID, p.Type})
}

func (a *API) create(r *request, t platform.Framework) (platform.Project, error) {
	most := limitsOf(r.user).projects()
	p, err := a.Projects.CreateProject(r.Context(), r.user, t, most)
	if errors.Is(err, platform.ErrLimit) {
		return p, refuse(http.StatusForbidden, "The %s tier allows %d projects. Delete one with 'ploomber-cloud delete' first.", r.user.Tier, most)
	}
	return p, err
}

func projectType(name string) (platform.Framework, error) {
	types := platform.ProjectTypes()
	if !slices.Contains(types, platform.Framework(name)) {
		names := make([]string, 0, len(types))
		for _, t := range types {
			names = append(names, string(t))
		}
		return "", invalid("Unknown project type; it must be one of %s", strings.Join(names, ", "))
	}
	return platform.Framework(name), nil
}

func (a *API) deleteProject(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	if err := a.Apps.Delete(r.Context(), p.ID); err != nil {
		return err
	}
	return a.reply(w, done{"Project " + p.ID + " has been deleted"})
}

func (a *API) deleteProjects(w http.ResponseWriter, r *request) error {
	projects, err := a.Projects.Projects(r.Context(), r.user.ID)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if err := a.Apps.Delete(r.Context(), p.ID); err != nil && !errors.Is(err, platform.ErrNotFound) {
			return err
		}
	}
	return a.reply(w, done{"All projects have been deleted"})
}

func (a *API) setLabels(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	var labels []string
	if err := a.readJSON(w, r.Request, &labels); err != nil {
		return err
	}
	if labels == nil {
		return invalid("Labels must be a JSON list of strings")
	}
	if labels, err = checkLabels(labels); err != nil {
		return err
	}
	if err := a.Settings.SetLabels(r.Context(), p.ID, labels); err != nil {
		return err
	}
	return a.reply(w, struct {
		ID     string   `json:"id"`
		Labels []string `json:"labels"`
	}{p.ID, labels})
}
