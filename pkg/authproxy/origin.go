package authproxy

import "net/http"

// checkOrigin refuses a WebSocket that a page of another origin opens (security class 13). Browsers send cookies
// with it and apply no same-origin rule, and several frameworks accept any Origin. Programs send no Origin.
func (p *Proxy) checkOrigin(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		if _, upgrade := r.Header["Upgrade"]; upgrade && !x.SameOrigin(r) {
			p.flows.RefuseOrigin(w, r, &x.State, "This page may not open a WebSocket here.")
			return
		}
		next(w, r, x)
	}
}
