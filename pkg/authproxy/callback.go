package authproxy

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// callback is GET /callback, to which a provider sends the visitor back. The cookie that the state leads to says
// which login this is and where it goes on; it is good for one answer.
func (p *Proxy) callback(w http.ResponseWriter, r *http.Request, x *exchange) {
	x.scope = x.policy.rules.Main()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.loginFailed(w, r, x, nil, "/", oidc.ErrCallback)
		return
	}
	t, cookie, err := p.transactionOf(r, x, query.Get("state"))
	next := x.policy.rules.LocalTarget(p.returns.address(t.ReturnTo(), x.now))
	if err != nil {
		p.loginFailed(w, r, x, nil, next, err)
		return
	}
	pr := x.policy.named(t.Provider())
	if pr == nil { // no longer configured
		p.loginFailed(w, r, x, nil, next, oidc.ErrTransaction)
		return
	}
	login, err := pr.Finish(r.Context(), query, t, x.policy.access.Needed()...)
	if !errors.Is(err, oidc.ErrUnavailable) { // else the same answer may do later
		p.forgetTransaction(w.Header(), cookie, x.https)
	}
	if err != nil {
		p.loginFailed(w, r, x, pr, next, err)
		return
	}
	p.finishLogin(w, r, x, pr, t, login, next)
}

// finishLogin lets in whom the provider has vouched for, if the rules do.
func (p *Proxy) finishLogin(w http.ResponseWriter, r *http.Request, x *exchange, pr *provider, t oidc.Transaction, login *oidc.Login, next string) {
	about := x.policy.access.Login(pr.id, &login.Person)
	who := login.Identity()
	if objection := x.policy.access.DenialReason(about); objection != "" {
		p.denied(w, r, x, pr, nameOf(who), objection+x.policy.access.MissingClaim(&login.Person))
		return
	}
	about.RefreshToken, about.TokensExpire = login.Tokens.RefreshToken, login.Tokens.Expires
	grant := session.Grant{Area: x.scope.Name, Identity: who, Login: about}
	if p.isIn(r, x, &grant, t.Expires().Add(-oidc.LoginTime)) {
		x.redirect(w, next, http.StatusFound)
		return
	}
	sid := tagNoSID + pr.Issuer() + " " + who.Subject
	if named := login.Person.SessionID; named != "" {
		sid = tagSID + pr.Issuer() + " " + named
	}
	if !p.enter(w, r, x, grant, sid) {
		return
	}
	p.log.Request(r, slog.LevelInfo, "logged in", slog.String("area", x.scope.Name), slog.String("user", nameOf(who)),
		slog.String("client", x.client.String()), slog.String("by", "provider"), slog.String("issuer", pr.Issuer()))
	x.redirect(w, next, http.StatusFound)
}

// isIn reports whether the same person has logged in in another tab since this login was begun. That session is as
// good as a new one, which would take the place of it while the other tab is loading its page.
func (p *Proxy) isIn(r *http.Request, x *exchange, g *session.Grant, begun time.Time) bool {
	p.recognise(r, x)
	return x.grant != nil && samePerson(x.grant, g) && !x.session.Created.Before(begun)
}

// denied is the page for somebody whom the provider knows and the rules keep out. Which of them it was is for the log.
func (p *Proxy) denied(w http.ResponseWriter, r *http.Request, x *exchange, pr *provider, name, objection string) {
	p.observer.Count(observe.Refused)
	p.log.Request(r, slog.LevelWarn, "login refused", slog.String("user", name), slog.String("by", "provider"), slog.String("issuer", pr.Issuer()),
		slog.String("reason", "access rules: "+objection), slog.String("client", x.client.String()))
	m := pages.Message{Code: http.StatusForbidden, Title: "You have no access to this app", Account: name,
		Text: "You are logged in, but this account is not allowed to use the app. Ask its administrator for access, or log out and use another account."}
	p.offerLogout(w, x, pr, &m)
	p.pages.Say(w, r, m)
}

// loginFailed says why nobody has been logged in. An answer that was used before, or that belongs to a login of
// long ago, is nothing to somebody who has logged in meanwhile: a reloaded page, or the second of two tabs. pr is nil
// where the provider is not known.
func (p *Proxy) loginFailed(w http.ResponseWriter, r *http.Request, x *exchange, pr *provider, next string, err error) {
	stale := errors.Is(err, oidc.ErrTransaction) || errors.Is(err, oidc.ErrReplayed)
	if stale {
		if p.recognise(r, x); x.who != nil {
			x.redirect(w, next, http.StatusFound)
			return
		}
	}
	issuer := ""
	if pr != nil {
		issuer = pr.Issuer()
	}
	p.observer.Count(observe.Refused)
	p.log.Request(r, slog.LevelWarn, "login refused", slog.String("by", "provider"), slog.String("issuer", issuer),
		slog.String("reason", err.Error()), slog.String("client", x.client.String()))
	again := []pages.Link{{Text: "Log in again", Href: loginPage("", next)}}
	m := pages.Message{Links: again, Detail: refusalOf(err)}
	switch {
	case stale:
		m.Code, m.Title, m.Detail = http.StatusBadRequest, "This login has expired or was used already", ""
		m.Text = "It took too long, was begun in another browser or at another address of this app, or the page was loaded twice. Your browser has to keep cookies."
	case errors.Is(err, oidc.ErrDenied):
		m.Code, m.Title = http.StatusForbidden, "The login was refused"
		m.Text = "The login provider did not let you in, or the login was cancelled there. Try again, maybe with another account; if that does not help, tell whoever runs the app what it says here."
	case errors.Is(err, oidc.ErrCallback):
		m.Code, m.Title = http.StatusBadRequest, "This is no answer of the login provider"
		m.Text = "The address that led here is damaged, or comes from somebody else."
	case errors.Is(err, oidc.ErrIdentity):
		m.Code, m.Title = http.StatusForbidden, "This account cannot be used"
		m.Text = "What the login provider says about it is incomplete or malformed. Use another account, or ask whoever runs the app."
		p.offerLogout(w, x, pr, &m)
	case errors.Is(err, oidc.ErrToken):
		m.Code, m.Title = http.StatusBadGateway, "The login provider's answer cannot be trusted"
		m.Text = "It did not pass the checks, and nobody was logged in. If it happens again, tell whoever runs the app."
	default:
		m = p.providerFailure(w, err, again[0].Href, false)
	}
	p.pages.Say(w, r, m)
}

// offerLogout lets somebody leave an account that is of no use here. There is no session to log out of, so a cookie
// says at which provider it is; else the provider would log the same account in again and again.
func (p *Proxy) offerLogout(w http.ResponseWriter, x *exchange, pr *provider, m *pages.Message) {
	p.setCookie(w.Header(), cookie.Denied, x.policy.signer.Sign(purposeDenied, pr.id, oidc.LoginTime), x.https, oidc.LoginTime)
	m.Links = []pages.Link{{Text: "Log out", Href: target.Logout}}
}
