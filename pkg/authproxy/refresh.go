package authproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// refreshRest is how long a provider is left alone that has not answered a refresh.
const refreshRest = 5 * time.Second

// keepFresh renews tokens that have expired. A session ends here where the provider says no for good, and where the
// application asked for an audience, so that the session does not outlive its access token, whenever that cannot be
// renewed. A provider that does not answer ends nothing.
func (p *Proxy) keepFresh(r *http.Request, x *exchange) {
	l := x.grant.Login
	if l.TokensExpire.IsZero() || x.now.Before(l.TokensExpire) {
		p.rotateIfDue(r, x)
		return
	}
	pr := x.policy.issuerOf(l)
	if l.RefreshToken == "" && !pr.bindsSessions() || pr.isResting(x.now) {
		return
	}
	if l.RefreshToken != "" && !p.claim(r, x, pr) {
		return // these tokens do for the moment
	}
	tokens, err := pr.refresh(r.Context(), x.grant)
	switch {
	case err == nil:
		p.renew(r, x, tokens, true)
	case pr.isOver(err):
		p.expire(r, x, err)
	case hasEnded(err): // nothing depends on them, and trying again is no use
		p.log.Request(r, slog.LevelInfo, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		p.renew(r, x, unrenewed(x.grant), false)
	case r.Context().Err() == nil:
		pr.rest(x.now)
		p.log.Request(r, slog.LevelWarn, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
	}
}

// claim reports whether this process is the one that renews the tokens of the request's session now: providers take the
// second use of a refresh token for theft, and end everything. Where another has been there before, the request goes on
// with what that one has stored. Where the store does not answer nobody renews for a moment: a refresh token must not be
// spent where the one that follows it cannot be kept.
func (p *Proxy) claim(r *http.Request, x *exchange, pr *provider) bool {
	stored, ours, err := p.sessions.Claim(r.Context(), x.session.Key, p.now())
	switch {
	case errors.Is(err, session.ErrNotFound): // it has ended meanwhile
		x.adopt(nil)
		return false
	case err != nil:
		pr.rest(p.now())
		p.logStoreError(r, err)
		return false
	case !sameTokens(stored, x.session, x.scope.Name):
		p.takeOver(x, stored)
		p.rotateIfDue(r, x)
		return false
	}
	return ours
}

// refresh exchanges the refresh token of a grant. A client that leaves meanwhile must not lose what a refresh token,
// which is good once, has been exchanged for.
func (pr *provider) refresh(ctx context.Context, g *session.Grant) (oidc.Tokens, error) {
	return pr.Refresh(context.WithoutCancel(ctx), oidc.Tokens{AccessToken: g.Identity.AccessToken, IDToken: g.Identity.IDToken,
		RefreshToken: g.Login.RefreshToken, Expires: g.Login.TokensExpire})
}

// unrenewed are the tokens of a grant that nothing renews any more.
func unrenewed(g *session.Grant) oidc.Tokens {
	return oidc.Tokens{AccessToken: g.Identity.AccessToken, IDToken: g.Identity.IDToken}
}

// bindsSessions reports whether sessions end with their access token: those for an audience that was asked for.
func (pr *provider) bindsSessions() bool { return pr.made.Audience != "" }

// isOver reports whether a failed refresh ends the session: the provider has said no, or the new tokens are not to be
// believed, of somebody else for example. Without an audience an account whose details cannot be used changes nothing.
func (pr *provider) isOver(err error) bool {
	return errors.Is(err, oidc.ErrDenied) || errors.Is(err, oidc.ErrToken) || pr.bindsSessions() && hasEnded(err)
}

// outlived reports whether what opened path is over with its access token: one for an audience that nothing renews.
// The session itself stays until the next request, which leads through the provider's logout.
func (pol *policy) outlived(path string, s *session.Session, now time.Time) bool {
	g := s.Grant(pol.rules.Scope(path).Name)
	if g == nil || g.Login == nil || g.Login.RefreshToken != "" || g.Login.TokensExpire.IsZero() || now.Before(g.Login.TokensExpire) {
		return false
	}
	pr := pol.issuerOf(g.Login)
	return pr != nil && pr.bindsSessions()
}

// hasEnded reports whether a refresh has failed for good.
func hasEnded(err error) bool {
	return errors.Is(err, oidc.ErrNoRefresh) || errors.Is(err, oidc.ErrDenied) || errors.Is(err, oidc.ErrToken) ||
		errors.Is(err, oidc.ErrIdentity)
}

// renew puts new tokens into the session, which gets a new id along with them (security class 8), and what they say
// about the person: the access rules are asked again.
func (p *Proxy) renew(r *http.Request, x *exchange, tokens oidc.Tokens, newID bool) {
	before, change := x.session, x.policy.renewal(x.session, x.scope.Name, tokens)
	var stored *session.Session
	var err error
	if newID && x.sessionID != "" {
		stored, err = p.sessions.Rotate(r.Context(), x.policy.keys, x.sessionID, before, x.now, func(next *session.Session) bool {
			return change(next) || next.RotationDue // where what is open was faster
		})
	} else {
		stored, err = p.sessions.Update(r.Context(), before, change)
	}
	switch {
	case errors.Is(err, session.ErrNotFound): // it has ended meanwhile
		x.adopt(nil)
	case err != nil:
		p.logStoreError(r, err)
		next := before.Clone()
		change(next)
		x.adopt(next) // good for this request
	default:
		p.takeOver(x, stored)
	}
}

// rotateIfDue gives a session its new id whose tokens were renewed when there was no response to carry it.
func (p *Proxy) rotateIfDue(r *http.Request, x *exchange) {
	if x.session == nil || !x.session.RotationDue || x.sessionID == "" {
		return
	}
	stored, err := p.sessions.Rotate(r.Context(), x.policy.keys, x.sessionID, x.session, x.now,
		func(next *session.Session) bool { return next.RotationDue })
	switch {
	case errors.Is(err, session.ErrNotFound):
		x.adopt(nil)
	case err != nil: // the present id is good all the same
		p.logStoreError(r, err)
	default:
		p.takeOver(x, stored)
	}
}

// takeOver goes on with a later state of the request's session. What is open of the session follows it, and the browser
// gets its id if that is new.
func (p *Proxy) takeOver(x *exchange, stored *session.Session) {
	p.move(x.session.Key, stored, x.policy)
	if id := session.CurrentID(x.policy.keys, x.sessionID, stored); id != x.sessionID {
		x.sessionID = id
		x.sendCookie(stored)
	}
	x.adopt(stored)
}

// renewal puts new tokens into a session, and what they say about the person, unless somebody else has put others there
// than it had before.
func (pol *policy) renewal(before *session.Session, area string, tokens oidc.Tokens) session.Change {
	return func(next *session.Session) bool {
		if !sameTokens(next, before, area) {
			return false
		}
		g := next.Grant(area)
		l := *g.Login
		if pr := pol.issuerOf(&l); pr != nil && tokens.IDToken != g.Identity.IDToken {
			if person, err := pr.Renewed(tokens); err == nil {
				pol.access.Update(&l, &person)
				switch {
				case pr.made.NameClaim == "":
					g.Identity.Name = l.Email
				case person.Name != "": // else the login's word goes on
					g.Identity.Name = person.Name
				}
			}
		}
		g.Identity.AccessToken, g.Identity.IDToken = tokens.AccessToken, tokens.IDToken
		l.RefreshToken, l.TokensExpire = tokens.RefreshToken, tokens.Expires
		g.Login = &l
		return true
	}
}

// sameTokens reports whether two states of a session have the same tokens.
func sameTokens(a, b *session.Session, area string) bool {
	one, other := a.Grant(area), b.Grant(area)
	return one != nil && one.Login != nil && other != nil && other.Login != nil &&
		one.Login.RefreshToken == other.Login.RefreshToken && one.Identity.AccessToken == other.Identity.AccessToken &&
		one.Login.TokensExpire.Equal(other.Login.TokensExpire)
}

// adopt makes s the session of this request, nil for none: it has ended meanwhile.
func (x *exchange) adopt(s *session.Session) {
	x.session, x.grant, x.who = s, nil, nil
	if s == nil {
		return
	}
	if g := s.Grant(x.scope.Name); g != nil && x.policy.holds(x.scope, g) {
		x.grant, x.who = g, &g.Identity
	}
}

// expire ends a session whose tokens have expired for good.
func (p *Proxy) expire(r *http.Request, x *exchange, err error) {
	n, storeErr := p.endAll(r.Context(), x.session)
	if storeErr != nil {
		p.logStoreError(r, storeErr)
	}
	if n > 0 {
		p.observer.Count(observe.Logout)
		p.log.Request(r, slog.LevelInfo, "logged out", slog.String("user", nameOf(x.grant.Identity)), slog.String("client", x.client.String()),
			slog.String("by", "expired token"), slog.String("error", err.Error()))
	}
	if x.gone = true; x.policy.issuerOf(x.grant.Login).bindsSessions() {
		x.expired = x.grant
	}
	x.session, x.grant, x.who = nil, nil, nil
}
