package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
)

// handler is one step on a request's way to the app. It answers the request itself or calls the next handler.
type handler func(w http.ResponseWriter, r *http.Request, x *request)

// request is what the handlers know of one request. It lives as long as the request and is used again.
type request struct {
	authn.State
	proxy    *Proxy
	inFlight *registry.Connection // while the request is with the app
	writer   statusWriter         // room for ServeHTTP
}

// chain is the whole way of a request. The order is what makes it safe:
//
//  1. checkTarget first: no rule is asked about a path that the app could read differently.
//  2. cleanHeaders before anything looks at a header: from here on nobody but us speaks about who sends the request and
//     from where, on every path, public ones and our own included.
//  3. checkOrigin before credentials count: a foreign page cannot use a user's cookie to open a WebSocket.
//  4. ownEndpoints before the login is demanded: the login page has to be reachable without one.
//  5. authenticate finds out who sends the request; authorize compares that with the rules and asks for a login.
//  6. identify tells the app who the user is, takes away what was meant for us, and so comes last before
//  7. forward, which is the only way to the app.
func (p *Proxy) chain() handler {
	return p.checkTarget(
		p.cleanHeaders(
			p.checkOrigin(
				p.ownEndpoints(
					p.authenticate(
						p.authorize(
							p.identify(
								p.forward)))))))
}

// ServeHTTP answers one request. It changes r.Header, which is the proxy's from here on.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := p.requests.Get().(*request)
	*x = request{proxy: p}
	connection := connectionOf(r)
	x.Policy, x.Now, x.Connection = p.auth.Policy(), p.now(), connection.remembered()
	if r.ContentLength != 0 || r.ProtoMinor == 0 {
		p.frame(w, r, connection)
	}
	if p.observed {
		x.observe(w, r)
	} else {
		p.first(w, r, x)
	}
	// Not deferred: after a panic, which cuts the connection, x is simply not used again.
	p.requests.Put(x)
}

// ownEndpoints answers what is ours.
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

// authorize lets through what is public and who has logged in.
func (p *Proxy) authorize(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		if x.User == nil && !x.Scope.Open() {
			p.flows.Demand(w, r, &x.State)
			return
		}
		next(w, r, x)
	}
}
