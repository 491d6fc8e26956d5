package httpapi

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/cloudapi"
)

func (a *API) getInfo(w http.ResponseWriter, _ *request) error {
	return a.reply(w, cloudapi.PlatformInfo{Version: a.Version, Dashboard: a.Dashboard, Apps: a.AppsHost})
}

func (a *API) getProof(w http.ResponseWriter, r *request) error {
	nonces := r.URL.Query()["nonce"]
	if len(nonces) != 1 || !cloudapi.ValidNonce(nonces[0]) {
		return invalid("nonce must be 32 random bytes in base64url without padding")
	}
	key, err := a.OwnerKey()
	if err != nil {
		return err
	}
	return a.reply(w, cloudapi.ProofReply{Proof: cloudapi.Proof(key, a.Base, nonces[0])})
}

func (a *API) getStatus(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	newest, _, err := a.latest(r.Context(), p.ID)
	if err != nil {
		return err
	}
	s := cloudapi.ProjectStatus{
		ID: p.ID, Name: p.ID, Type: string(p.Type), Owner: r.user.Name, Condition: conditionOf(newest),
		URL: a.Addresses.AppURL(p.ID), Dashboard: a.Addresses.DashboardURL(p.ID, newest.ID), SleepAfter: a.sleepAfter(p), Created: p.Created.UTC(),
	}
	if p.Current != "" {
		current, err := a.Deployments.Deployment(r.Context(), p.Current)
		if err != nil {
			return err
		}
		s.Deployment = current.Number
	}
	if s.DataBytes, err = a.Addresses.DataSize(p.ID); err != nil {
		return err
	}
	return a.reply(w, s)
}

func (a *API) sleepAfter(p platform.Project) cloudapi.SleepAfter {
	switch {
	case p.Sleep.Never:
		return cloudapi.Never
	case p.Sleep.After > 0:
		return cloudapi.SleepAfter(p.Sleep.After)
	default:
		return cloudapi.SleepAfter(a.SleepAfter)
	}
}

func deploymentOf(d platform.Deployment, p platform.Project) cloudapi.DeploymentSummary {
	return cloudapi.DeploymentSummary{
		Number: d.Number, ID: d.ID, Created: d.Created.UTC(), By: d.By, State: string(d.State), Reason: string(d.Problem.Reason),
		Message: d.Message, Size: d.Size, Current: d.ID == p.Current,
	}
}

func (a *API) listDeployments(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	deployments, err := a.Deployments.Deployments(r.Context(), p.ID)
	if err != nil {
		return err
	}
	summaries := make([]cloudapi.DeploymentSummary, 0, len(deployments))
	for _, d := range deployments {
		summaries = append(summaries, deploymentOf(d, p))
	}
	return a.reply(w, cloudapi.DeploymentList{Deployments: summaries})
}

func (a *API) rollback(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	attempt, err := idempotencyKey(r.Request)
	if err != nil {
		return err
	}
	var body struct {
		Number *int `json:"number"`
	}
	if err := a.readJSON(w, r.Request, &body, "number"); err != nil {
		return err
	}
	if body.Number == nil || *body.Number < 0 {
		return invalid("number must be the number of a deployment, or 0 for the one before the current one")
	}
	d, err := a.Releases.Rollback(r.Context(), p.ID, *body.Number, r.user.Name, attempt)
	switch {
	case errors.Is(err, platform.ErrNotFound) && *body.Number == 0:
		return refuse(http.StatusConflict, "There is no earlier deployment to return to")
	case errors.Is(err, platform.ErrNotFound):
		return refuse(http.StatusNotFound, "Project %s has no deployment %d to return to", p.ID, *body.Number)
	case errors.Is(err, platform.ErrState):
		return refuse(http.StatusConflict, "The deployment never ran, so there is nothing to return to")
	case errors.Is(err, platform.ErrExists):
		return refuse(http.StatusConflict, "Another deployment was made with this Idempotency-Key")
	case err != nil:
		return err
	}
	return a.reply(w, deploymentOf(d, p))
}

func (a *API) getSettings(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	return a.reply(w, cloudapi.ProjectSettings{SleepAfter: a.sleepAfter(p)})
}

const maxSleep = 366 * 24 * time.Hour

func (a *API) changeSettings(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	var change cloudapi.SettingsChange
	if err := a.readJSON(w, r.Request, &change, "sleep_after"); err != nil {
		return err
	}
	if s := change.SleepAfter; s != nil {
		if time.Duration(*s) > maxSleep {
			return invalid("sleep_after must be at most %d days, or never", maxSleep/(24*time.Hour))
		}
		p.Sleep = platform.Sleep{Never: *s == cloudapi.Never, After: time.Duration(*s)}
		if err := a.Settings.SetSleep(r.Context(), p.ID, p.Sleep); err != nil {
			return err
		}
	}
	return a.reply(w, cloudapi.ProjectSettings{SleepAfter: a.sleepAfter(p)})
}

func (a *API) listSecrets(w http.ResponseWriter, r *request) error {
	p, err := a.own(r.Context(), r.user, r.PathValue("project"))
	if err != nil {
		return err
	}
	d, found, err := a.latest(r.Context(), p.ID)
	if err != nil {
		return err
	}
	secrets := []cloudapi.SecretDigest{}
	if found {
		digests, err := a.Deployments.SecretDigests(r.Context(), d.ID)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(digests)) {
			secrets = append(secrets, cloudapi.SecretDigest{Name: name, Digest: digests[name]})
		}
	}
	return a.reply(w, cloudapi.SecretDigests{Secrets: secrets})
}
