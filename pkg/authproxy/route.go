package authproxy

import (
	"errors"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// Router says where each request goes, in a process that runs several versions of an app or starts it on demand.
type Router interface {
	// Route is called for a request that may reach the app: no login is missing. It may wait. If there is no destination,
	// answer responds in place of the app.
	Route(r *http.Request) (to Destination, answer http.Handler)
}

// Destination is where one request goes. Its hooks are called after those of the proxy.
type Destination interface {
	upstream.Hooks
	Target() upstream.Target
	// Next is called if nothing has been passed on because the app cannot be reached at Target, its response was not
	// accepted, or the request was ended, with the error of upstream.Direct.Forward. If again is true, the request is sent
	// once more, to what Target returns now. If there is an answer, it responds in place of the app.
	Next(err error) (again bool, answer http.Handler)
}

// route asks the Router where the request goes.
func (p *Proxy) route(next handler) handler {
	if p.router == nil {
		return next
	}
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		to, answer := p.router.Route(r)
		if to == nil {
			p.answer(w, r, x, answer)
			return
		}
		x.to = to
		next(w, r, x)
	}
}

// answer responds in place of the app. The response carries what the session needs, as one of the app would.
func (p *Proxy) answer(w http.ResponseWriter, r *http.Request, x *request, answer http.Handler) {
	x.ProtectResponse(http.StatusServiceUnavailable, w.Header())
	answer.ServeHTTP(w, r)
}

// forwardRouted sends the request where the Router has said.
func (p *Proxy) forwardRouted(w http.ResponseWriter, r *http.Request, x *request) {
	x.restoreBase(r)
	for {
		err := p.forwarder.Forward(w, r, x.to.Target(), x)
		if err == nil {
			return
		}
		if r.Context().Err() == nil && isUnsent(err) {
			again, answer := x.to.Next(err)
			if again {
				continue
			}
			if answer != nil {
				p.answer(w, r, x, answer)
				return
			}
		}
		p.failed(w, r, x, &backend{target: x.to.Target()}, err)
		return
	}
}

// isUnsent reports whether another destination may get a request, or another response be given, after an error.
func isUnsent(err error) bool {
	return errors.Is(err, upstream.ErrUnreachable) || errors.Is(err, upstream.ErrDeclined) ||
		errors.Is(err, upstream.ErrEnded) && !errors.Is(err, upstream.ErrBroken)
}
