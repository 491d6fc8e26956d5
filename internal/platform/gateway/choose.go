package gateway

import (
	"net/http"
	"slices"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
)

// asked is what decides where a request goes.
type asked struct {
	request *http.Request
	isPage  bool       // the browser opens a page
	pages   pageCookie // zero if it does not matter
	intent  intent
	gone    []*deployment // that have been tried and cannot be reached
}

// Route implements authproxy.Router.
func (p *project) Route(r *http.Request) (authproxy.Destination, http.Handler) {
	isPage := navigation.IsPageVisit(r)
	a := &asked{request: r, isPage: isPage, intent: intentOf(r, isPage)}
	if _, upgrade := r.Header["Upgrade"]; a.isPage || upgrade || p.isDraining() {
		a.pages = p.pagesOf(r)
	}
	w, answer := p.find(a)
	if w == nil {
		return nil, answer
	}
	return w, nil
}

// find returns where a request goes, for which it may have to wait, or how it is answered.
func (p *project) find(a *asked) (*way, http.Handler) {
	if w, answer, found := p.look(a); found {
		return w, answer
	}
	return p.await(a)
}

// look is find without waiting. found is false if the app has to become ready first.
func (p *project) look(a *asked) (to *way, answer http.Handler, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, others := p.choose(a)
	switch {
	case p.removed:
		return nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.gateway.serveWithoutApp(w, r, anApp) }), true
	case d == nil:
		return nil, p.answer(stateNotice(p.route.State, p.route.Reason)), true
	case d.base != "" && isRoot(a.request): // which is no reason to wake the app
		base := d.base
		return nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { redirectToBase(w, r, base) }), true
	case d.ready.Load():
		return p.begin(d, others, a), nil, true
	default:
		return nil, nil, false
	}
}

// choose returns the deployment that gets a request, nil for none, and those that get it in turn if that answers 404. It is
// called with mu held.
//
// A page comes from the current deployment. What a page asks for goes to the deployment that the page is from: its browser
// lists these in a cookie. If it has pages of several, the newest of them gets the request, as what is opened last loads
// most. It answers 404 to what only an older version has. Requests that change something follow what the user does: they
// go where the browser's WebSocket is over which data was sent last.
func (p *project) choose(a *asked) (to *deployment, others []*deployment) {
	if len(p.draining) == 0 {
		return p.current, nil
	}
	candidates := slices.DeleteFunc(p.pagesIn(a.pages), func(d *deployment) bool { return d != p.current && slices.Contains(a.gone, d) })
	repeatable := isRepeatable(a.request)
	switch {
	case a.isPage || len(candidates) == 0:
		to = p.current
	case len(candidates) > 1 && !repeatable:
		to = lastUsed(candidates, a.pages.browser)
	default:
		to = candidates[0]
	}
	if !repeatable {
		return to, nil
	}
	return to, slices.DeleteFunc(candidates, func(d *deployment) bool { return d == to || !d.ready.Load() })
}

// isRepeatable reports whether a request can be sent to another deployment after the app has got it.
func isRepeatable(r *http.Request) bool {
	return r.ContentLength == 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// pagesIn returns the deployments of the route that a browser has pages of, newest first. If the one of its latest page is
// gone, the current one takes its place.
func (p *project) pagesIn(c pageCookie) []*deployment {
	var found []*deployment
	isThere := func(d *deployment) bool { return len(c.numbers) > 0 && d.number == c.numbers[0] }
	if p.current != nil && (slices.Contains(c.numbers, p.current.number) || !slices.ContainsFunc(p.draining, isThere)) {
		found = append(found, p.current)
	}
	for _, d := range p.draining {
		if d.ready.Load() && slices.Contains(c.numbers, d.number) {
			found = append(found, d)
		}
	}
	return found
}

// lastUsed returns the deployment to which a browser has sent data last over a WebSocket; the first one if to none.
func lastUsed(candidates []*deployment, browser string) *deployment {
	found, last := candidates[0], int64(0)
	for _, d := range candidates {
		for w := range d.open {
			if at := w.lastAt.Load(); w.asked.pages.browser == browser && at > last {
				found, last = d, at
			}
		}
	}
	return found
}

func (p *project) isDraining() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.draining) > 0
}
