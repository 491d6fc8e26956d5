package login

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
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
func (f *Flows) logout(w http.ResponseWriter, r *http.Request, st *authn.State) {
	sessions := f.Auth.Presented(r, st)
	f.Auth.End(r, sessions)
	if len(sessions) > 0 {
		f.Observer.Count(observe.Logout)
		f.Log.Request(r, slog.LevelInfo, "logged out", slog.String("user", authn.NameOf(sessions[0].Grants[0].Identity)),
			slog.String("client", st.Client.Addr.String()), slog.String("by", "user"))
	}
	to := afterLogout(st.Policy)
	if pr, idToken := f.loggedInAt(r, st, sessions); pr != nil {
		to = throughProvider(st.Policy, pr, idToken)
	}
	f.leave(w, r, st, to)
}

// leave sends the browser away without a session, and lets it forget what it has kept of the app: Back would show it.
func (f *Flows) leave(w http.ResponseWriter, r *http.Request, st *authn.State, to string) {
	f.setCookie(w.Header(), cookie.Session, "", st.Client.HTTPS, 0)
	if _, sent, _ := f.signedCookie(r, st, cookie.Denied, purposeDenied); sent {
		f.setCookie(w.Header(), cookie.Denied, "", st.Client.HTTPS, 0)
	}
	if clears := st.Policy.Config.ClearSiteDataHeader(); clears != "" {
		w.Header().Set("Clear-Site-Data", clears)
	}
	Redirect(w, st.Policy, to, http.StatusFound)
}

// loggedInAt returns the provider that has to forget the visitor, and the ID token that it gave; nil where none has.
func (f *Flows) loggedInAt(r *http.Request, st *authn.State, sessions []*session.Session) (pr *authn.Provider, idToken string) {
	for _, s := range sessions {
		for _, g := range s.Grants {
			if g.Login == nil {
				continue
			}
			if pr := st.Policy.ProviderOf(g.Login); pr != nil {
				return pr, g.Identity.IDToken
			}
		}
	}
	if id, _, ok := f.signedCookie(r, st, cookie.Denied, purposeDenied); ok {
		return st.Policy.ProviderOf(&session.Login{Provider: id}), ""
	}
	return nil, ""
}

// afterLogout is where a visitor goes who has been logged out.
func afterLogout(pol *authn.Policy) string {
	if to := pol.Config.PostLogoutRedirect; to != "" {
		return to
	}
	return target.Status
}

// throughProvider is the address at which a provider logs somebody out, to come back then. Where there is none, or
// the provider has not been found, it is only the latter.
func throughProvider(pol *authn.Policy, pr *authn.Provider, idToken string) string {
	back := afterLogout(pol)
	absolute := back
	if strings.HasPrefix(back, "/") {
		absolute = pol.Config.Origin() + back // never from the Host header (security class 19)
	}
	if address, ok := pr.LogoutURL(idToken, absolute); ok {
		return address
	}
	return back
}
