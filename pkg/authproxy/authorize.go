package authproxy

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// authorize lets through what is open and who has logged in. All others are asked to log in: a page visit by
// the login page or the provider, anything else by 401, a WebSocket among them, which no redirect could help.
func (p *Proxy) authorize(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		open := x.scope.Open() || x.who != nil
		if !open && len(x.conflicting) > 0 && navigation.IsPageVisit(r) {
			// An injected cookie that only some paths see would survive the login and ask for the next, for ever.
			p.end(r, x.conflicting)
		}
		switch {
		case open:
			next(w, r, x)
		case x.scope.Provider:
			p.demandLogin(w, r, x)
		default:
			p.demandPassword(w, r, x)
		}
	}
}

func (p *Proxy) demandPassword(w http.ResponseWriter, r *http.Request, x *exchange) {
	mode := x.policy.config.PasswordMode
	switch {
	case x.basic.Verdict == password.Locked:
		next := ""
		if x.policy.hasForm() {
			next = loginPage("", returnTarget(r, x))
		}
		p.refuseLocked(w, r, x.basic.Wait, next)
	case x.basic.Verdict == password.Busy:
		p.pages.Refuse(w, r, http.StatusServiceUnavailable, "Too busy to check the password.")
	case mode != config.ModeBasic && x.basic.Verdict != password.Wrong && navigation.IsPageVisit(r):
		x.redirect(w, loginPage("", returnTarget(r, x)), http.StatusFound)
	default:
		if mode == config.ModeBasic || mode != config.ModeForm && !navigation.IsSubresource(r.Header) {
			w.Header().Set("Www-Authenticate", fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, x.scope.Name))
		}
		p.pages.Refuse(w, r, http.StatusUnauthorized, "Log in to see this page.")
	}
}

// demandLogin asks for a login at a provider. A client whose access token for an audience
// has just expired is logged out there as well.
func (p *Proxy) demandLogin(w http.ResponseWriter, r *http.Request, x *exchange) {
	challenge := "Bearer"
	switch {
	case x.token == tokenDenied:
		p.pages.Refuse(w, r, http.StatusForbidden, "This token is not authorized for this app.")
		return
	case x.token == tokenUnavailable:
		setRetryAfter(w, refreshRest)
		p.pages.Refuse(w, r, http.StatusServiceUnavailable, "The token cannot be checked because the login provider does not answer.")
		return
	case x.token == tokenBad:
		challenge = `Bearer error="invalid_token"`
	case x.expired != nil && navigation.IsPageVisit(r):
		p.leave(w, r, x, x.policy.throughProvider(x.policy.issuerOf(x.expired.Login), x.expired.Identity.IDToken))
		return
	case navigation.IsPageVisit(r):
		p.askForLogin(w, r, x)
		return
	}
	if x.gone {
		p.setCookie(w.Header(), cookie.Session, "", x.https, 0)
	}
	if x.policy.config.BearerAudience != "" {
		w.Header().Set("Www-Authenticate", challenge)
	}
	p.pages.Refuse(w, r, http.StatusUnauthorized, "Log in to see this page.")
}

func setRetryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}
