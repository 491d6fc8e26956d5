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
	Login    *config.Config  // nil: everybody may use the app
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
	login, err := g.completeLogin(projectID, r.Login)
	if err != nil {
		return misconfigured(err)
	}
	found, _ := g.projects.LoadOrStore(projectID, newProject(g, projectID))
	p := found.(*project)
	if err := p.login.set(login); err != nil {
		return misconfigured(err)
	}
	p.set(r, backends, targets)
	return nil
}

// misconfigured tells the owner of an app what is wrong with its login; err names variables and no secrets.
func misconfigured(err error) *platform.Problem {
	return &platform.Problem{Reason: platform.ReasonLogin, Msg: fmt.Sprintf("the login is not configured correctly: %v", err),
		Hint: "correct these variables and deploy again"}
}

// Remove forgets a project and ends its requests and WebSockets.
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
