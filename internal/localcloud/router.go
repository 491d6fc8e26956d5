package localcloud

import (
	"context"
	"sync"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/internal/platform/gateway"
	"github.com/ploomber/ploomber-cloud/internal/platform/scheduler"
	"github.com/ploomber/ploomber-cloud/internal/platform/store"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// router tells the gateway, for the scheduler, who serves each project, behind the login of its deployment.
type router struct {
	gateway *gateway.Gateway
	store   *store.Store
	folder  folder

	mu     sync.Mutex
	logins map[string]deploymentLogin // by project
}

// deploymentLogin is the login of a deployment, which never changes.
type deploymentLogin struct {
	deployment string
	config     *config.Config
}

var _ scheduler.Router = (*router)(nil)

func (r *router) Route(route scheduler.Route) error {
	to := gateway.Route{State: route.Status.State, Reason: route.Status.Problem.Reason}
	if route.Current != nil {
		var err error
		if to.Login, err = r.login(route.Current.Deployment); err != nil {
			return err
		}
		to.Current = backend(*route.Current)
	}
	for _, s := range route.Draining {
		to.Draining = append(to.Draining, backend(s))
	}
	return r.gateway.Set(route.Project.ID, to)
}

func backend(s scheduler.Served) gateway.Backend {
	b := gateway.Backend{Deployment: s.Deployment.ID, Number: s.Deployment.Number, Ready: s.Ready}
	if s.Instance != nil {
		b.URL, b.Base = s.Instance.URL(), s.Instance.Base()
	}
	return b
}

// login is the login of the deployment that serves a project.
func (r *router) login(d platform.Deployment) (*config.Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known, ok := r.logins[d.Project]; ok && known.deployment == d.ID {
		return known.config, nil
	}
	secrets, err := r.store.Secrets(context.Background(), d.ID)
	if err != nil {
		return nil, err
	}
	c, err := loginOf(d, secrets, r.folder.code(d))
	if err != nil {
		return nil, err
	}
	r.logins[d.Project] = deploymentLogin{d.ID, c}
	return c, nil
}

func (r *router) Remove(project string) {
	r.mu.Lock()
	delete(r.logins, project)
	r.mu.Unlock()
	r.gateway.Remove(project)
}

func (r *router) Drop(deployment string) { r.gateway.Drop(deployment) }

func (r *router) Activity(project string) (all []scheduler.Activity) {
	for _, a := range r.gateway.Activity(project) {
		all = append(all, scheduler.Activity(a))
	}
	return all
}
