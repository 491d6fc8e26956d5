package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// identify tells the app who the user is, and takes away what was meant for the proxy: our cookies, and credentials in
// our name. Everything else in Cookie and Authorization belongs to the app.
func (p *Proxy) identify(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, x *request) {
		h := r.Header
		if _, ok := h["Cookie"]; ok {
			cookie.Remove(h)
		}
		if sent, ok := h["Authorization"]; ok && (x.Basic.Verdict == password.Right || x.Bearer != nil || x.Policy.OwnsCredentials(sent[0])) {
			delete(h, "Authorization")
		}
		if x.User != nil {
			x.User.Set(h)
		}
		next(w, r, x)
	}
}
