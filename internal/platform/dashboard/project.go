package dashboard

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	logLines     = 400 // of each log that a page shows
	refreshAfter = 5   // seconds, while something is going on
)

// summary is a project in the list.
type summary struct {
	platform.Project
	Latest *platform.Deployment // nil if nothing was deployed
}

// list shows the projects of a user.
func (d *dashboard) list(w http.ResponseWriter, r *http.Request, u platform.User) {
	owner := u.ID
	if seesAll(u) {
		owner = ""
	}
	projects, err := d.Projects.Projects(r.Context(), owner)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	latest, err := d.Deployments.LatestOf(r.Context(), owner)
	if err != nil {
		d.failed(w, r, err)
		return
	}
	var list []summary
	for _, p := range slices.Backward(projects) { // newest first
		one := summary{Project: p}
		if l, ok := latest[p.ID]; ok {
			one.Latest = &l
		}
		list = append(list, one)
	}
	d.render(w, http.StatusOK, "list.html", page{Title: "Projects", User: u.Name, Content: list})
}

// seesAll reports whether a user sees the projects of all users.
func seesAll(u platform.User) bool { return u.Name == platform.OwnerName }

// detail is what the page of a project shows.
type detail struct {
	platform.Project
	URL         string
	Shown       *platform.Deployment // nil if nothing was deployed
	Deployments []platform.Deployment
	Logs        []logView
}

type logView struct {
	ID, Title string
	Lines     []string
	Cut       bool // there are more lines
}

// project shows a project with one of its deployments: that of the address, or the newest.
func (d *dashboard) project(w http.ResponseWriter, r *http.Request, u platform.User) {
	v, err := d.find(r, u)
	if err == nil {
		err = d.readLogs(&v)
	}
	if err != nil {
		d.failed(w, r, err)
		return
	}
	p := page{Title: v.ID, User: u.Name, Content: v}
	if v.Shown != nil && !v.Shown.State.Settled() {
		p.Refresh = refreshAfter
	}
	d.render(w, http.StatusOK, "project.html", p)
}

func (d *dashboard) find(r *http.Request, u platform.User) (detail, error) {
	p, err := d.Projects.Project(r.Context(), r.PathValue("project"))
	if err != nil {
		return detail{}, err
	}
	if p.Owner != u.ID && !seesAll(u) {
		return detail{}, fmt.Errorf("project %q of another user: %w", p.ID, platform.ErrNotFound)
	}
	v := detail{Project: p, URL: d.AppURL(p.ID)}
	if v.Deployments, err = d.Deployments.Deployments(r.Context(), p.ID); err != nil {
		return detail{}, err
	}
	job := r.PathValue("job")
	i := slices.IndexFunc(v.Deployments, func(d platform.Deployment) bool { return job == "" || d.ID == job })
	switch {
	case i >= 0:
		v.Shown = &v.Deployments[i]
	case job != "":
		return detail{}, fmt.Errorf("deployment %q of project %q: %w", job, p.ID, platform.ErrNotFound)
	}
	return v, nil
}

func (d *dashboard) readLogs(v *detail) error {
	if v.Shown == nil {
		return nil
	}
	build, err := d.Logs.BuildLog(*v.Shown, logLines)
	if err != nil {
		return err
	}
	app, err := d.Logs.AppLog(*v.Shown, logLines)
	if err != nil {
		return err
	}
	v.Logs = []logView{
		{ID: "build-log", Title: "Build log", Lines: build, Cut: len(build) == logLines},
		{ID: "app-log", Title: "App log", Lines: app, Cut: len(app) == logLines},
	}
	return nil
}
