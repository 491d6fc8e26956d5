package gateway

import (
	"fmt"
	"net/url"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// Route says who serves a project.
type Route struct {
	Login    *config.Config  // nil: everybody may use the app; not used without Current: then the login stays as it is
	State    platform.State  // for the page that users see if nothing serves; "" if nothing was deployed
	Reason   platform.Reason // why it failed or was stopped
	Current  Backend         // zero if nothing serves
	Draining []Backend       // earlier deployments, which keep the sessions that began with them; newest first
}

// Backend is a deployment that serves users.
type Backend struct {
	Deployment string // ID
	Number     int
	URL        *url.URL // where the app listens; nil while it has no process
	Base       string   // path below which it serves, with a slash at both ends; "" for the root
	Ready      bool     // otherwise Options.Wake is called before it gets a request
}

// Activity is the use of one deployment. Requests that wait for a deployment to become ready are not among those in flight.
type Activity struct {
	Deployment string
	Requests   int       // in flight
	Sockets    int       // open WebSockets and event streams
	LastUse    time.Time // last request, or last data of a client on a WebSocket; zero for none
}

// Set replaces the route of a project at once. Requests in flight and open WebSockets stay where they are. If the login has
// mistakes, nothing changes and the error is a *platform.Problem with ReasonLogin. If the login has changed, sessions go on
// unless they are no longer allowed.
//
// To end or freeze an unused app, set a route in which it is not Ready, and then look at its Activity once more: a request
// that came before is in it, and one that comes after waits for Wake.
func (g *Gateway) Set(projectID string, r Route) error {
	backends := append([]Backend{r.Current}, r.Draining...)
	targets := make([]upstream.Target, len(backends))
	for i, b := range backends {
		if b.URL == nil {
			backends[i].Ready = false
			continue
		}
		var err error
		if targets[i], err = upstream.ParseTarget(b.URL.String()); err != nil {
			return fmt.Errorf("deployment %s: %w", b.Deployment, err)
		}
	}
	p, err := g.projectOf(projectID)
	if err == nil && r.Current.Deployment != "" {
		err = p.setLogin(r.Login)
	}
	if err != nil {
		return &platform.Problem{Reason: platform.ReasonLogin, Msg: fmt.Sprintf("the login is not configured correctly: %v", err),
			Hint: "correct these variables and deploy again"} // an error of the login names variables and no secrets
	}
	p.set(r, backends, targets)
	return nil
}

// projectOf returns a project, which it makes if there is none.
func (g *Gateway) projectOf(id string) (*project, error) {
	if p, ok := g.projects.Load(id); ok {
		return p.(*project), nil
	}
	p := newProject(g, id)
	if err := p.setLogin(nil); err != nil { // until something serves there is nothing to protect
		return nil, err
	}
	found, _ := g.projects.LoadOrStore(id, p)
	return found.(*project), nil
}

// Remove forgets a project that has been deleted, and ends its sessions, requests and WebSockets.
func (g *Gateway) Remove(projectID string) {
	if p, ok := g.projects.LoadAndDelete(projectID); ok {
		p.(*project).remove()
	}
}

// Drop ends what is left of a deployment: its requests and WebSockets.
func (g *Gateway) Drop(deploymentID string) {
	for _, p := range g.projects.Range {
		p.(*project).drop(deploymentID)
	}
}

// Activity returns the use of each deployment in the route of a project, and of those that still have something open.
func (g *Gateway) Activity(projectID string) []Activity {
	p, ok := g.projects.Load(projectID)
	if !ok {
		return nil
	}
	return p.(*project).activity()
}
