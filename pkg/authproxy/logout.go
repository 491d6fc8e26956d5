package authproxy

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// purposeDenied is for the id of a provider in the cookie of somebody who was not let in.
const purposeDenied = "denied at"

// logout ends whatever session the visitor has, closes what is open of it, and leaves the app; where a provider has
// logged the visitor in, by way of that provider, which forgets them too. /exit is the same for frameworks whose own
// router takes /logout.
func (p *Proxy) logout(w http.ResponseWriter, r *http.Request, x *exchange) {
	sessions := p.presented(r, x)
	p.end(r, sessions)
	if len(sessions) > 0 {
		p.observer.Count(observe.Logout)
		p.log.Request(r, slog.LevelInfo, "logged out", slog.String("user", nameOf(sessions[0].Grants[0].Identity)),
			slog.String("client", x.client.String()), slog.String("by", "visitor"))
	}
	to := x.policy.afterLogout()
	if pr, idToken := p.loggedInAt(r, x, sessions); pr != nil {
		to = x.policy.throughProvider(pr, idToken)
	}
	p.leave(w, r, x, to)
}

// leave sends the browser away without a session, and lets it forget what it has kept of the app: Back would show it.
func (p *Proxy) leave(w http.ResponseWriter, r *http.Request, x *exchange, to string) {
	p.setCookie(w.Header(), cookie.Session, "", x.https, 0)
	if _, sent, _ := p.signedCookie(r, x, cookie.Denied, purposeDenied); sent {
		p.setCookie(w.Header(), cookie.Denied, "", x.https, 0)
	}
	if clears := x.policy.config.ClearSiteDataHeader(); clears != "" {
		w.Header().Set("Clear-Site-Data", clears)
	}
	x.redirect(w, to, http.StatusFound)
}

// loggedInAt returns the provider that has to forget the visitor, and the ID token that it gave; nil where none has.
func (p *Proxy) loggedInAt(r *http.Request, x *exchange, sessions []*session.Session) (pr *provider, idToken string) {
	for _, s := range sessions {
		for _, g := range s.Grants {
			if g.Login == nil {
				continue
			}
			if pr := x.policy.issuerOf(g.Login); pr != nil {
				return pr, g.Identity.IDToken
			}
		}
	}
	if id, _, ok := p.signedCookie(r, x, cookie.Denied, purposeDenied); ok {
		return x.policy.issuerOf(&session.Login{Provider: id}), ""
	}
	return nil, ""
}

// afterLogout is where a visitor goes who has been logged out.
func (pol *policy) afterLogout() string {
	if to := pol.config.PostLogoutRedirect; to != "" {
		return to
	}
	return target.Status
}

// throughProvider is the address at which a provider logs somebody out, to come back then. Where there is none, or
// the provider has not been found, it is only the latter.
func (pol *policy) throughProvider(pr *provider, idToken string) string {
	back := pol.afterLogout()
	absolute := back
	if strings.HasPrefix(back, "/") {
		absolute = pol.config.Origin() + back // never from the Host header (security class 19)
	}
	if address, ok := pr.LogoutURL(idToken, absolute); ok {
		return address
	}
	return back
}
