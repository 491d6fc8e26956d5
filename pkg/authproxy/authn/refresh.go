package authn

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

// KeepFresh renews tokens that have expired. A session ends here where the provider says no for good, and where the
// application asked for an audience, so that the session does not outlive its access token, whenever that cannot be
// renewed. A provider that does not answer ends nothing.
func (a *Authenticator) KeepFresh(r *http.Request, st *State) {
	l := st.Grant.Login
	if l.TokensExpire.IsZero() || st.Now.Before(l.TokensExpire) {
		a.rotateIfDue(r, st)
		return
	}
	pr := st.Policy.ProviderOf(l)
	if l.RefreshToken == "" && !pr.bindsSessions() || pr.isResting(st.Now) {
		return
	}
	if l.RefreshToken != "" && !a.claim(r, st, pr) {
		return // these tokens do for the moment
	}
	tokens, err := pr.refresh(r.Context(), st.Grant)
	switch {
	case err == nil:
		a.renew(r, st, tokens, true)
	case pr.isOver(err):
		a.expire(r, st, err)
	case hasEnded(err): // nothing depends on them, and another attempt would fail as well
		a.Log.Request(r, slog.LevelInfo, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		a.renew(r, st, unrenewed(st.Grant), false)
	case r.Context().Err() == nil:
		pr.rest(st.Now)
		a.Log.Request(r, slog.LevelWarn, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
	}
}

// claim reports whether this process is the one that renews the tokens of the request's session now: providers take the
// second use of a refresh token for theft, and end everything. Where another has been there before, the request goes on
// with what that one has stored. Where the store does not answer nobody renews for a moment: a refresh token must not be
// spent where the one that follows it cannot be kept.
func (a *Authenticator) claim(r *http.Request, st *State, pr *Provider) bool {
	stored, ours, err := a.sessions.Claim(r.Context(), st.Session.Key, a.Now())
	switch {
	case errors.Is(err, session.ErrNotFound): // it has ended meanwhile
		st.adopt(nil)
		return false
	case err != nil:
		pr.rest(a.Now())
		a.LogStoreError(r, err)
		return false
	case !sameTokens(stored, st.Session, st.Scope.Name):
		a.takeOver(st, stored)
		a.rotateIfDue(r, st)
		return false
	}
	return ours
}

// refresh exchanges the refresh token of a grant, although the client may disconnect meanwhile: a refresh token can be used
// once, and what it was exchanged for must not be lost.
func (pr *Provider) refresh(ctx context.Context, g *session.Grant) (oidc.Tokens, error) {
	return pr.Refresh(context.WithoutCancel(ctx), oidc.Tokens{AccessToken: g.Identity.AccessToken, IDToken: g.Identity.IDToken,
		RefreshToken: g.Login.RefreshToken, Expires: g.Login.TokensExpire})
}

// unrenewed are the tokens of a grant that nothing renews any more.
func unrenewed(g *session.Grant) oidc.Tokens {
	return oidc.Tokens{AccessToken: g.Identity.AccessToken, IDToken: g.Identity.IDToken}
}

// bindsSessions reports whether sessions end with their access token: those for an audience that was asked for.
func (pr *Provider) bindsSessions() bool { return pr.made.Audience != "" }

// isOver reports whether a failed refresh ends the session: the provider has refused it, or the new tokens are invalid, such
// as those of another user. Without an audience, account details that cannot be used change nothing.
func (pr *Provider) isOver(err error) bool {
	return errors.Is(err, oidc.ErrDenied) || errors.Is(err, oidc.ErrToken) || pr.bindsSessions() && hasEnded(err)
}

// outlived reports whether what opened path is over with its access token: one for an audience that nothing renews.
// The session itself stays until the next request, which leads through the provider's logout.
func (pol *Policy) outlived(path string, s *session.Session, now time.Time) bool {
	g := s.Grant(pol.Rules.Scope(path).Name)
	if g == nil || g.Login == nil || g.Login.RefreshToken != "" || g.Login.TokensExpire.IsZero() || now.Before(g.Login.TokensExpire) {
		return false
	}
	pr := pol.ProviderOf(g.Login)
	return pr != nil && pr.bindsSessions()
}

// hasEnded reports whether a refresh has failed permanently.
func hasEnded(err error) bool {
	return errors.Is(err, oidc.ErrNoRefresh) || errors.Is(err, oidc.ErrDenied) || errors.Is(err, oidc.ErrToken) ||
		errors.Is(err, oidc.ErrIdentity)
}

// renew puts new tokens into the session, which gets a new id along with them (security class 8), and what they say
// about the person: the access rules are asked again.
func (a *Authenticator) renew(r *http.Request, st *State, tokens oidc.Tokens, newID bool) {
	before, change := st.Session, st.Policy.renewal(st.Session, st.Scope.Name, tokens)
	var stored *session.Session
	var err error
	if newID && st.sessionID != "" {
		stored, err = a.sessions.Rotate(r.Context(), st.Policy.Keys, st.sessionID, before, st.Now, func(next *session.Session) bool {
			return change(next) || next.RotationDue // where what is open was faster
		})
	} else {
		stored, err = a.sessions.Update(r.Context(), before, change)
	}
	switch {
	case errors.Is(err, session.ErrNotFound): // it has ended meanwhile
		st.adopt(nil)
	case err != nil:
		a.LogStoreError(r, err)
		next := before.Clone()
		change(next)
		st.adopt(next) // good for this request
	default:
		a.takeOver(st, stored)
	}
}

// rotateIfDue gives a session its new id whose tokens were renewed when there was no response to carry it.
func (a *Authenticator) rotateIfDue(r *http.Request, st *State) {
	if st.Session == nil || !st.Session.RotationDue || st.sessionID == "" {
		return
	}
	stored, err := a.sessions.Rotate(r.Context(), st.Policy.Keys, st.sessionID, st.Session, st.Now,
		func(next *session.Session) bool { return next.RotationDue })
	switch {
	case errors.Is(err, session.ErrNotFound):
		st.adopt(nil)
	case err != nil: // the present id is good all the same
		a.LogStoreError(r, err)
	default:
		a.takeOver(st, stored)
	}
}

// takeOver goes on with a later state of the request's session. What is open of the session follows it, and the browser
// gets its id if that is new.
func (a *Authenticator) takeOver(st *State, stored *session.Session) {
	a.move(st.Session.Key, stored, st.Policy)
	if id := session.CurrentID(st.Policy.Keys, st.sessionID, stored); id != st.sessionID {
		st.sessionID = id
		a.sendCookie(st, stored)
	}
	st.adopt(stored)
}

// renewal puts new tokens into a session, and what they say about the user, unless the session has got other tokens since
// before.
func (pol *Policy) renewal(before *session.Session, scope string, tokens oidc.Tokens) session.Change {
	return func(next *session.Session) bool {
		if !sameTokens(next, before, scope) {
			return false
		}
		g := next.Grant(scope)
		l := *g.Login
		if pr := pol.ProviderOf(&l); pr != nil && tokens.IDToken != g.Identity.IDToken {
			if person, err := pr.Renewed(tokens); err == nil {
				pol.Access.Update(&l, &person)
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
func sameTokens(a, b *session.Session, scope string) bool {
	one, other := a.Grant(scope), b.Grant(scope)
	return one != nil && one.Login != nil && other != nil && other.Login != nil &&
		one.Login.RefreshToken == other.Login.RefreshToken && one.Identity.AccessToken == other.Identity.AccessToken &&
		one.Login.TokensExpire.Equal(other.Login.TokensExpire)
}

// adopt makes s the session of this request, nil for none: it has ended meanwhile.
func (st *State) adopt(s *session.Session) {
	st.Session, st.Grant, st.User = s, nil, nil
	if s == nil {
		return
	}
	if g := s.Grant(st.Scope.Name); g != nil && st.Policy.Holds(st.Scope, g) {
		st.Grant, st.User = g, &g.Identity
	}
}

// expire ends a session whose tokens have expired for good.
func (a *Authenticator) expire(r *http.Request, st *State, err error) {
	n, storeErr := a.endAll(r.Context(), st.Session)
	if storeErr != nil {
		a.LogStoreError(r, storeErr)
	}
	if n > 0 {
		a.Observer.Count(observe.Logout)
		a.Log.Request(r, slog.LevelInfo, "logged out", slog.String("user", NameOf(st.Grant.Identity)), slog.String("client", st.Client.Addr.String()),
			slog.String("by", "expired token"), slog.String("error", err.Error()))
	}
	if st.SessionEnded = true; st.Policy.ProviderOf(st.Grant.Login).bindsSessions() {
		st.ExpiredGrant = st.Grant
	}
	st.Session, st.Grant, st.User = nil, nil, nil
}
