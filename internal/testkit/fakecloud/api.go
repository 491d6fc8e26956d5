package fakecloud

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// answer is the API. The lock is held.
func (c *Cloud) answer(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	route := func(method string, pattern ...string) bool {
		if r.Method != method || len(parts) != len(pattern) {
			return false
		}
		for i, p := range pattern {
			if p != "*" && p != parts[i] {
				return false
			}
		}
		return true
	}
	switch {
	case c.own && len(parts) > 3 && parts[0] == "api" && parts[1] == "v1" && parts[2] == "projects":
		c.ownAnswer(w, r, parts[3:])
	case route("GET", "users", "me"):
		reply(w, map[string]any{"_model": map[string]string{"type": c.tier}})
	case route("GET", "projects"):
		list := []map[string]string{}
		for _, p := range c.projects {
			list = append(list, map[string]string{"id": p.ID, "name": p.Name})
		}
		reply(w, map[string]any{"projects": list})
	case route("POST", "projects", "*"):
		c.createProject(w, parts[1])
	case route("DELETE", "projects", ""):
		c.projects = nil
		reply(w, map[string]string{"message": "all projects are deleted"})
	case route("GET", "projects", "*"), route("DELETE", "projects", "*"), route("PUT", "projects", "*", "labels"):
		c.oneProject(w, r, parts[1])
	case route("POST", "jobs", "webservice", "*"):
		c.deploy(w, r, parts[2])
	case route("GET", "jobs", "*"), route("GET", "v2", "jobs", "*", "logs"),
		route("PATCH", "v2", "jobs", "*", "service_start"), route("PATCH", "v2", "jobs", "*", "service_stop"):
		c.oneJob(w, r, parts)
	case route("GET", "jobs", "*", "files"):
		if p := c.find(parts[1]); p != nil && p.Files != nil {
			w.Header().Set("Content-Type", "application/zip")
			_, _ = w.Write(p.Files) // a client that disconnects is seen by what it does next
			return
		}
		refuse(w, http.StatusNotFound, "there are no files")
	default:
		refuse(w, http.StatusNotFound, "there is no such place: "+r.Method+" "+r.URL.Path)
	}
}

// createProject takes the projects of the smallest tier's limit and no more.
func (c *Cloud) createProject(w http.ResponseWriter, kind string) {
	if c.tier == "community" && len(c.projects) >= 2 {
		refuse(w, http.StatusForbidden, "Limit of projects reached")
		return
	}
	c.created++
	p := &Project{ID: fmt.Sprintf("%s-app-%d", kind, c.created), Type: kind}
	p.Name = p.ID
	c.projects = append(c.projects, p)
	reply(w, map[string]string{"id": p.ID, "type": kind})
}

func (c *Cloud) oneProject(w http.ResponseWriter, r *http.Request, id string) {
	p := c.find(id)
	if p == nil {
		refuse(w, http.StatusNotFound, "Project with id "+id+" was not found")
		return
	}
	switch r.Method {
	case http.MethodDelete:
		c.projects = slices.DeleteFunc(c.projects, func(q *Project) bool { return q == p })
	case http.MethodPut:
		if err := json.NewDecoder(r.Body).Decode(&p.Labels); err != nil {
			refuse(w, http.StatusUnprocessableEntity, "labels are a list of texts")
			return
		}
	}
	jobs := []map[string]any{}
	for i, job := range p.Jobs {
		j := map[string]any{"id": job, "auth_enabled": p.Auth && i == 0, "auth_analytics_enabled": p.Analytics && i == 0}
		if p.CPU != "" {
			j["cpu"], j["ram"], j["gpu"] = p.CPU, p.RAM, p.GPU
		}
		jobs = append(jobs, j)
	}
	reply(w, map[string]any{
		"id": p.ID, "name": p.Name, "type": p.Type, "labels": p.Labels, "secrets": p.Secrets, "jobs": jobs,
	})
}

func (c *Cloud) oneJob(w http.ResponseWriter, r *http.Request, parts []string) {
	id := parts[1]
	if parts[0] == "v2" {
		id = parts[2]
	}
	j := c.jobs[id]
	if j == nil {
		refuse(w, http.StatusNotFound, "Job with id "+id+" was not found")
		return
	}
	switch {
	case r.Method == http.MethodPatch:
		reply(w, map[string]string{"status": strings.TrimPrefix(parts[3], "service_")})
	case parts[0] == "v2":
		reply(w, map[string]any{"logs": map[string]string{"build-docker": j.Build, "app": j.App}})
	default:
		status := j.Statuses[0]
		if len(j.Statuses) > 1 {
			j.Statuses = j.Statuses[1:]
		}
		about := map[string]any{
			"id": id, "status": status, "resources": map[string]string{"webservice": "https://" + id + ".example.test"},
		}
		if c.own {
			j.explain(about)
			about["status_page"] = Dashboard + "/applications/" + c.projectOf(id) + "/" + id
		}
		reply(w, about)
	}
}
