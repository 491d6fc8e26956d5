package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
)

// identify tells the app who the user is, and removes what was meant for the proxy: its cookies, and credentials in the
// name of one of its users. Everything else in Cookie and Authorization belongs to the app.
func (p *Proxy) identify(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		h := r.Header
		if _, ok := h["Cookie"]; ok {
			cookie.Remove(h)
		}
		if sent, ok := h["Authorization"]; ok && x.OwnsAuthorization(sent[0]) {
			delete(h, "Authorization")
		}
		if x.User != nil {
			x.User.Set(h)
		}
		next(w, r, x)
	}
}
