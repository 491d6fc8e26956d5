package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// identify tells the app who asks, and takes away what was meant for the proxy: our cookies, and credentials in
// our name. Everything else in Cookie and Authorization belongs to the app.
func (p *Proxy) identify(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		h := r.Header
		if _, ok := h["Cookie"]; ok {
			cookie.Remove(h)
		}
		if sent, ok := h["Authorization"]; ok && (x.basic.Verdict == password.Right || x.bearer != nil || x.policy.owns(sent[0])) {
			delete(h, "Authorization")
		}
		if x.who != nil {
			x.who.Set(h)
		}
		next(w, r, x)
	}
}

// owns reports whether credentials are in our name.
func (pol *policy) owns(authorization string) bool {
	return pol.config.PasswordMode != config.ModeForm && pol.passwords.Owns(authorization)
}
