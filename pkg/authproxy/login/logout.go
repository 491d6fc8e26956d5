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

// purposeDenied is for the id of a provider in the cookie of a user who was denied access.
const purposeDenied = "denied at"

// logout ends the user's session with its requests in flight, and redirects the browser away from the app. If the user has
// logged in at a provider, the redirect goes there, where they are logged out too. /exit is the same for frameworks whose own
// router takes /logout.
func (f *Flows) logout(w http.ResponseWriter, r *http.Request, st *authn.State) {
	sessions := f.auth.Presented(r, st)
	f.auth.End(r, sessions)
	if len(sessions) > 0 {
		f.observer.Count(observe.Logout)
		f.log.Request(r, slog.LevelInfo, "logged out", slog.String("user", sessions[0].Grants[0].Identity.DisplayName()),
			slog.String("client", st.Client.Addr.String()), slog.String("by", "user"))
	}
	to := afterLogout(st.Policy)
	if pr, idToken := f.loggedInAt(r, st, sessions); pr != nil {
		to = throughProvider(st.Policy, pr, idToken)
	}
	f.leave(w, r, st, to)
}

// leave deletes the cookie of the session, and redirects the browser. It clears the browser's cache of the app, which the back
// button would show.
func (f *Flows) leave(w http.ResponseWriter, r *http.Request, st *authn.State, to string) {
	f.setCookie(w.Header(), cookie.Session, "", st.Client.HTTPS, 0)
	if _, sent, _ := f.signedCookie(r, st, cookie.Denied, purposeDenied); sent {
		f.setCookie(w.Header(), cookie.Denied, "", st.Client.HTTPS, 0)
	}
	if clears := st.Policy.Config.ClearSiteDataHeader(); clears != "" {
		w.Header().Set("Clear-Site-Data", clears)
	}
	f.pages.Redirect(w, to, http.StatusFound)
}

// loggedInAt returns the provider at which the user has logged in, and the ID token that it issued; nil if there is none.
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

// afterLogout is where the browser goes after a logout.
func afterLogout(pol *authn.Policy) string {
	if to := pol.Config.PostLogoutRedirect; to != "" {
		return to
	}
	return target.Status
}

// throughProvider is the address at which a provider logs the user out and redirects to afterLogout. If the provider has no
// such address, or has not been discovered, it is afterLogout itself.
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
