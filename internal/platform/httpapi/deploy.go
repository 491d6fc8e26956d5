package httpapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func (a *API) deploy(w http.ResponseWriter, r *request) error {
	t, err := projectType(r.PathValue("type"))
	if err != nil {
		return err
	}
	attempt, err := idempotencyKey(r.Request)
	if err != nil {
		return err
	}
	projectID, isNew, err := a.target(r)
	if err != nil {
		return err
	}
	form, err := a.readForm(w, r)
	if err != nil {
		return err
	}
	if isNew {
		p, err := a.create(r, t)
		if err != nil {
			return err
		}
		projectID = p.ID
	}
	d, err := a.Releases.Deploy(r.Context(), platform.Submission{
		Project: projectID,
		Release: platform.Release{
			Type: t, By: r.user.Name, Message: form.message, Archive: form.archive, Size: form.size, Resources: form.resources,
			Template: form.template, Variables: form.variables(), Login: form.secrets.Login != nil, Analytics: form.secrets.Analytics != nil,
		},
		Secrets: form.secrets, Labels: form.labels, Request: attempt,
	})
	if errors.Is(err, platform.ErrExists) {
		return refuse(http.StatusConflict, "Another deployment was made with this Idempotency-Key")
	}
	if errors.Is(err, platform.ErrNotFound) {
		return refuse(http.StatusNotFound, "Project with id %s was not found", projectID) // deleted meanwhile
	}
	if err != nil {
		return err
	}
	return a.reply(w, cloudapi.Deployment{ProjectID: d.Project, ID: d.ID, StatusPage: a.Addresses.DashboardURL(d.Project, d.ID)})
}

// target returns the project that the query names. As on the hosted service, none or "new" stands for a new one, which is not
// made before the upload is complete.
func (a *API) target(r *request) (projectID string, isNew bool, err error) {
	ids := r.URL.Query()["project_id"]
	switch {
	case len(ids) > 1:
		return "", false, invalid("project_id is given more than once")
	case len(ids) == 0 || ids[0] == "" || ids[0] == "new":
		return "", true, nil
	}
	p, err := a.own(r.Context(), r.user, ids[0])
	return p.ID, false, err
}

const maxIdempotencyKey = 200 // characters

// idempotencyKey returns the header of that name; "" if there is none.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	notVisible := func(c rune) bool { return c < '!' || c > '~' }
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || strings.ContainsFunc(key, notVisible) {
		return "", invalid("Idempotency-Key must be one text of up to %d visible ASCII characters", maxIdempotencyKey)
	}
	return key, nil
}
