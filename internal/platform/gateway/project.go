package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

var errClosed = errors.New("the gateway is closed")

// project is an app with its deployments.
type project struct {
	gateway *Gateway
	id      string
	https   bool
	login   login

	mu       sync.Mutex
	route    Route
	current  *deployment   // nil if nothing serves
	draining []*deployment // newest first
	leaving  []*deployment // no longer in the route, but with something open
	changed  chan struct{} // closed when the route changes
	removed  bool
	served   bool // there has been a current deployment, whose login is the project's

	waking *attempt // under way; nil if there is none
	held   int      // requests that wait for current
}

var _ authproxy.Router = (*project)(nil)

// deployment is one version of an app.
type deployment struct {
	id      string
	lastUse atomic.Int64 // in Unix nanoseconds; 0 for none
	ready   atomic.Bool  // written with project.mu held

	// Guarded by project.mu.
	number int
	target upstream.Target
	base   string
	open   map[*way]struct{} // what is in flight
}

func newProject(g *Gateway, id string) *project {
	p := &project{gateway: g, id: id, https: g.o.Public(id).Scheme == "https", changed: make(chan struct{})}
	p.login.project = p
	return p
}

// serve answers a request of a user.
func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	proxy, err := p.login.acquire()
	if err != nil {
		p.gateway.o.Log.ErrorContext(r.Context(), "a login could not be started", slog.String("project", p.id), slog.Any("error", err))
		p.answer(unavailable()).ServeHTTP(w, r)
		return
	}
	defer p.login.release()
	proxy.ServeHTTP(w, r)
}

// set replaces the route. backends are the current one and the draining ones, targets where they listen.
func (p *project) set(r Route, backends []Backend, targets []upstream.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := map[string]*deployment{}
	for _, d := range p.all() {
		known[d.id] = d
	}
	p.route, p.current, p.draining, p.leaving = r, nil, nil, nil
	p.served = p.served || r.Current.Deployment != ""
	for i, b := range backends {
		if b.Deployment == "" || !p.served {
			continue
		}
		d := known[b.Deployment]
		if d == nil {
			d = &deployment{id: b.Deployment, open: map[*way]struct{}{}}
		}
		delete(known, b.Deployment)
		d.number, d.base, d.target = b.Number, b.Base, targets[i]
		d.ready.Store(b.Ready)
		if i == 0 {
			p.current = d
		} else {
			p.draining = append(p.draining, d)
		}
	}
	for _, d := range known {
		if len(d.open) > 0 {
			p.leaving = append(p.leaving, d)
		}
	}
	p.announce()
}

// announce wakes the requests that wait for a change of the route. It is called with mu held.
func (p *project) announce() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// all returns the deployments of the route and those with something open, newest first but for the leaving ones. It is
// called with mu held.
func (p *project) all() []*deployment {
	var all []*deployment
	if p.current != nil {
		all = append(all, p.current)
	}
	return append(append(all, p.draining...), p.leaving...)
}

func (p *project) activity() []Activity {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []Activity
	for _, d := range p.all() {
		a := Activity{Deployment: d.id}
		if last := d.lastUse.Load(); last != 0 {
			a.LastUse = time.Unix(0, last)
		}
		for w := range d.open {
			if w.kind == inFlight {
				a.Requests++
			} else {
				a.Sockets++
			}
		}
		all = append(all, a)
	}
	return all
}

func (p *project) isInUse() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held > 0 || slices.ContainsFunc(p.all(), func(d *deployment) bool { return len(d.open) > 0 })
}

func (p *project) drop(deploymentID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.all() {
		if d.id == deploymentID {
			d.cut()
		}
	}
}

// cut ends what is in flight at d. It is called with project.mu held.
func (d *deployment) cut() {
	for w := range d.open {
		w.dropped = true
		if w.transfer != nil {
			_ = w.transfer.Close() // never fails
		}
	}
}

func (p *project) remove() {
	p.mu.Lock()
	p.removed = true
	for _, d := range p.all() {
		d.cut()
	}
	p.announce()
	p.mu.Unlock()
	if err := p.login.endAll(); err != nil {
		p.gateway.o.Log.Error("sessions of a deleted project are left", slog.String("project", p.id), slog.Any("error", err))
	}
	p.login.close()
}
