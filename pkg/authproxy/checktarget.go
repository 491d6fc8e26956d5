package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// checkTarget refuses requests whose target the rules and the app could read as different paths, and keeps the decoded path
// for the handlers after it. Other targets are forwarded byte for byte.
func (p *Proxy) checkTarget(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		address, at := target.Below(x.Policy.Base, r.RequestURI)
		path, err := x.Policy.Rules.Parse(address)
		switch {
		case !upstream.ValidMethod(r.Method): // possible over HTTP/2, and part of the request line to the app
			p.pages.Refuse(w, r, http.StatusBadRequest, "Invalid request method.")
		case r.Method == http.MethodConnect || r.Method == http.MethodTrace:
			p.pages.Refuse(w, r, http.StatusMethodNotAllowed, "This method is not allowed.")
		case err != nil || x.Policy.Rules.HasRedundantEscapes(address, path):
			p.pages.Refuse(w, r, http.StatusBadRequest, "The address of this request is ambiguous.")
		case !target.ValidHost(r.Host):
			p.pages.Refuse(w, r, http.StatusBadRequest, "Invalid Host header.")
		case at != target.Inside:
			p.outsideBase(w, r, x, address, at)
		default:
			x.Path, r.RequestURI = path, address
			next(w, r, x)
		}
	}
}
