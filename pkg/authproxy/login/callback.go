package login

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// callback is GET /callback, to which a provider redirects the browser. The state names the cookie of the login, which says
// where the login leads to; it is valid for one response of the provider.
func (f *Flows) callback(w http.ResponseWriter, r *http.Request, st *authn.State) {
	st.Scope = st.Policy.Rules.Main()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		f.loginFailed(w, r, st, nil, "/", oidc.ErrCallback)
		return
	}
	t, cookieName, err := f.transactionOf(r, st, query.Get("state"))
	next := st.Policy.Rules.LocalTarget(f.returns.address(t.ReturnTo(), st.Now))
	if err != nil {
		f.loginFailed(w, r, st, nil, next, err)
		return
	}
	pr := st.Policy.Named(t.Provider())
	if pr == nil { // no longer configured
		f.loginFailed(w, r, st, nil, next, oidc.ErrTransaction)
		return
	}
	login, err := pr.Finish(r.Context(), query, t, st.Policy.Access.Needed()...)
	if !errors.Is(err, oidc.ErrUnavailable) { // else the user may load the page again
		f.forgetTransaction(w.Header(), cookieName, st.Client.HTTPS)
	}
	if err != nil {
		f.loginFailed(w, r, st, pr, next, err)
		return
	}
	f.finishLogin(w, r, st, pr, t, login, next)
}

// finishLogin logs in the user that the provider has authenticated, if the access policy allows it.
func (f *Flows) finishLogin(w http.ResponseWriter, r *http.Request, st *authn.State, pr *authn.Provider, t oidc.Transaction, login *oidc.Login, next string) {
	about := st.Policy.Access.Login(pr.ID, &login.User)
	who := login.Identity()
	if reason := st.Policy.Access.DenialReason(about); reason != "" {
		f.denied(w, r, st, pr, who.DisplayName(), reason+st.Policy.Access.MissingClaim(&login.User))
		return
	}
	about.RefreshToken, about.TokensExpire = login.Tokens.RefreshToken, login.Tokens.Expires
	grant := session.Grant{Scope: st.Scope.Name, Identity: who, Login: about}
	if f.loggedInSince(r, st, &grant, t.Expires().Add(-oidc.LoginTime)) {
		f.pages.Redirect(w, next, http.StatusFound)
		return
	}
	tag := authn.ProviderSessionTag(pr.Issuer(), who.Subject, login.User.SessionID)
	if err := f.auth.Enter(w.Header(), r, st, grant, tag); err != nil {
		f.refuseFailed(w, r)
		return
	}
	f.log.Request(r, slog.LevelInfo, "logged in", slog.String("scope", st.Scope.Name), slog.String("user", who.DisplayName()),
		slog.String("client", st.Client.Addr.String()), slog.String("by", "provider"), slog.String("issuer", pr.Issuer()))
	f.pages.Redirect(w, next, http.StatusFound)
}

// loggedInSince reports whether the same user has logged in in another tab since this login began. That session is as good
// as a new one, which would replace it while the other tab is loading its page.
func (f *Flows) loggedInSince(r *http.Request, st *authn.State, g *session.Grant, begun time.Time) bool {
	f.auth.Recognize(r, st)
	return st.Grant != nil && authn.SamePerson(st.Grant, g) && !st.Session.Created.Before(begun)
}

// denied is the page for a user who is authenticated by the provider but denied by the access policy. The reason is for
// the log.
func (f *Flows) denied(w http.ResponseWriter, r *http.Request, st *authn.State, pr *authn.Provider, name, reason string) {
	f.observer.Count(observe.Refused)
	f.log.Request(r, slog.LevelWarn, "login refused", slog.String("user", name), slog.String("by", "provider"), slog.String("issuer", pr.Issuer()),
		slog.String("reason", "access rules: "+reason), slog.String("client", st.Client.Addr.String()))
	m := pages.Message{Code: http.StatusForbidden, Title: "You have no access to this app", Account: name,
		Text: "You are logged in, but this account is not allowed to use the app. Ask its administrator for access, or log out and use another account."}
	f.offerLogout(w, st, pr, &m)
	f.pages.Say(w, r, m)
}

// loginFailed says why a login has failed. A user who has logged in meanwhile is redirected even if the provider's response
// was used before or came too late: the page was loaded again, or is the second of two tabs. pr is nil if the provider is
// not known.
func (f *Flows) loginFailed(w http.ResponseWriter, r *http.Request, st *authn.State, pr *authn.Provider, next string, err error) {
	stale := errors.Is(err, oidc.ErrTransaction) || errors.Is(err, oidc.ErrReplayed)
	if stale {
		if f.auth.Recognize(r, st); st.User != nil {
			f.pages.Redirect(w, next, http.StatusFound)
			return
		}
	}
	issuer := ""
	if pr != nil {
		issuer = pr.Issuer()
	}
	f.observer.Count(observe.Refused)
	f.log.Request(r, slog.LevelWarn, "login refused", slog.String("by", "provider"), slog.String("issuer", issuer),
		slog.String("reason", err.Error()), slog.String("client", st.Client.Addr.String()))
	again := []pages.Link{{Text: "Log in again", Href: loginPage("", next)}}
	m := pages.Message{Links: again, Detail: refusalOf(err)}
	switch {
	case stale:
		m.Code, m.Title, m.Detail = http.StatusBadRequest, "This login has expired or was used already", ""
		m.Text = "It took too long, was started in another browser or at another address of this app, or the page was loaded twice. Your browser has to accept cookies."
	case errors.Is(err, oidc.ErrDenied):
		m.Code, m.Title = http.StatusForbidden, "The login was refused"
		m.Text = "The login provider did not let you in, or the login was cancelled there. Try again, perhaps with another account; if that does not help, tell the administrator of the app what this page says."
	case errors.Is(err, oidc.ErrCallback):
		m.Code, m.Title = http.StatusBadRequest, "This is not a response of the login provider"
		m.Text = "The address that led here is damaged, or does not come from the provider."
	case errors.Is(err, oidc.ErrIdentity):
		m.Code, m.Title = http.StatusForbidden, "This account cannot be used"
		m.Text = "What the login provider says about it is incomplete or malformed. Use another account, or ask the administrator of the app."
		f.offerLogout(w, st, pr, &m)
	case errors.Is(err, oidc.ErrToken):
		m.Code, m.Title = http.StatusBadGateway, "The login provider's response cannot be trusted"
		m.Text = "It did not pass the checks, and nobody was logged in. If it happens again, tell the administrator of the app."
	default:
		m = f.providerFailure(w, err, again[0].Href, false)
	}
	f.pages.Say(w, r, m)
}

// offerLogout lets a user log out of an account that may not use the app, or else the provider would log in the same account
// again and again. As there is no session, a cookie says which provider it is.
func (f *Flows) offerLogout(w http.ResponseWriter, st *authn.State, pr *authn.Provider, m *pages.Message) {
	f.setCookie(w.Header(), cookie.Denied, st.Policy.Signer.Sign(purposeDenied, pr.ID, oidc.LoginTime), st.Client.HTTPS, oidc.LoginTime)
	m.Links = []pages.Link{{Text: "Log out", Href: target.Logout}}
}
