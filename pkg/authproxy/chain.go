package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
)

// handler is a step of the chain. It answers the request itself or calls the next handler.
type handler func(w http.ResponseWriter, r *http.Request, x *request)

// request is the state of one request. It is reused for another one afterwards.
type request struct {
	authn.State
	proxy    *Proxy
	inFlight *registry.Connection // while the request is with the app
	to       Destination          // that the Router has chosen; nil without one
	writer   statusWriter         // for observe; here to save an allocation
}

// chain returns the handlers that every request passes. Their order is what makes it safe:
//
//  1. checkTarget comes first: no rule is applied to a path that the app could read differently.
//  2. cleanHeaders comes before anything reads a header: from here on only the proxy says who sends the request and from
//     where, on every path, public ones and its own included.
//  3. checkOrigin comes before credentials count: a page of another origin cannot open a WebSocket with a user's cookie.
//  4. ownEndpoints comes before a login is required: the login page has to be reachable without one.
//  5. authenticate finds out who sends the request, and authorize demands a login if the path requires one.
//  6. route asks the Router, where there is one. It comes after authorize, so that nothing starts an app for a client that
//     may not use it, and before the cookies of the proxy are removed, of which one tells versions apart.
//  7. identify tells the app who the user is and removes what was meant for the proxy. No handler after it needs that.
//  8. forward is the only way to the app.
func (p *Proxy) chain() handler {
	return p.checkTarget(
		p.cleanHeaders(
			p.checkOrigin(
				p.ownEndpoints(
					p.authenticate(
						p.authorize(
							p.route(
								p.identify(
									p.forward))))))))
}

// ServeHTTP answers one request. It changes r.Header, which is the proxy's from here on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := p.requests.Get().(*request)
	*x = request{proxy: p}
	connection := connectionOf(r)
	x.Policy, x.Now, x.Connection = p.auth.Policy(), p.now(), connection.state()
	if r.ContentLength != 0 || r.ProtoMinor == 0 {
		p.frame(w, r, connection)
	}
	if p.observed {
		x.observe(w, r)
	} else {
		p.first(w, r, x)
	}
	// Not deferred: after a panic, which cuts the connection, x is left to the garbage collector.
	p.requests.Put(x)
}

// ownEndpoints answers requests for the proxy's own paths.
func (p *Proxy) ownEndpoints(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		if !p.flows.Serve(w, r, &x.State) {
			next(w, r, x)
		}
	}
}

// authenticate finds out who sends the request.
func (p *Proxy) authenticate(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		p.auth.Authenticate(r, &x.State)
		next(w, r, x)
	}
}

// authorize demands a login unless the path is public or the user has access to its scope.
func (p *Proxy) authorize(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		if x.User == nil && !x.Scope.Open() {
			p.flows.Demand(w, r, &x.State)
			return
		}
		next(w, r, x)
	}
}
