package login

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/navigation"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// Demand answers a request that needs a login and has none. A page visit is redirected to the login page or the provider.
// Anything else gets 401, WebSockets too: they cannot follow a redirect.
func (f *Flows) Demand(w http.ResponseWriter, r *http.Request, st *authn.State) {
	if len(st.Conflicting) > 0 && navigation.IsPageVisit(r) {
		// An injected cookie that is sent only for some paths would survive the login, and demand the next one, for ever.
		f.auth.End(r, st.Conflicting)
	}
	if st.Scope.Provider {
		f.demandLogin(w, r, st)
	} else {
		f.demandPassword(w, r, st)
	}
}

func (f *Flows) demandPassword(w http.ResponseWriter, r *http.Request, st *authn.State) {
	mode := st.Policy.Config.PasswordMode
	switch {
	case st.Basic.Verdict == password.Locked:
		next := ""
		if st.Policy.HasForm() {
			next = loginPage("", returnTarget(r, st))
		}
		f.refuseLocked(w, r, st.Basic.Wait, next)
	case st.Basic.Verdict == password.Busy:
		f.pages.Refuse(w, r, http.StatusServiceUnavailable, "Too busy to check the password.")
	case mode != config.ModeBasic && st.Basic.Verdict != password.Wrong && navigation.IsPageVisit(r):
		f.pages.Redirect(w, loginPage("", returnTarget(r, st)), http.StatusFound)
	default:
		if mode == config.ModeBasic || mode != config.ModeForm && !navigation.IsSubresource(r.Header) {
			w.Header().Set("Www-Authenticate", fmt.Sprintf(`Basic realm="%s", charset="UTF-8"`, st.Scope.Name))
		}
		f.pages.Refuse(w, r, http.StatusUnauthorized, "Log in to see this page.")
	}
}

// demandLogin demands a login at a provider. A user whose access token for an audience has just expired is logged out there
// first.
func (f *Flows) demandLogin(w http.ResponseWriter, r *http.Request, st *authn.State) {
	challenge := "Bearer"
	switch {
	case st.Token == authn.TokenDenied:
		f.pages.Refuse(w, r, http.StatusForbidden, "This token is not authorized for this app.")
		return
	case st.Token == authn.TokenUnavailable:
		setRetryAfter(w, authn.ProviderRest)
		f.pages.Refuse(w, r, http.StatusServiceUnavailable, "The token cannot be checked because the login provider does not answer.")
		return
	case st.Token == authn.TokenBad:
		challenge = `Bearer error="invalid_token"`
	case st.ExpiredGrant != nil && navigation.IsPageVisit(r):
		f.leave(w, r, st, throughProvider(st.Policy, st.Policy.ProviderOf(st.ExpiredGrant.Login), st.ExpiredGrant.Identity.IDToken))
		return
	case navigation.IsPageVisit(r):
		f.askForLogin(w, r, st)
		return
	}
	if st.SessionEnded {
		f.setCookie(w.Header(), cookie.Session, "", st.Client.HTTPS, 0)
	}
	if st.Policy.Config.BearerAudience != "" {
		w.Header().Set("Www-Authenticate", challenge)
	}
	f.pages.Refuse(w, r, http.StatusUnauthorized, "Log in to see this page.")
}

// setRetryAfter tells the client to wait, and returns for how many seconds.
func setRetryAfter(w http.ResponseWriter, wait time.Duration) (seconds int) {
	seconds = int((wait + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return seconds
}
