package authproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

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
		if p.renewing.takeID(x.session.Key) {
			p.rotate(r, x)
		}
		return
	}
	pr := x.policy.issuerOf(l)
	if l.RefreshToken == "" && !pr.bindsSessions() || pr.isResting(x.now) {
		return
	}
	if l.RefreshToken != "" && !p.mayRenew(r.Context(), pr, x.session.Key) {
		return // these tokens do for the moment
	}
	tokens, err := pr.refresh(r.Context(), x.grant)
	switch {
	case err == nil:
		p.renew(r, x, tokens, true)
	case pr.isOver(err):
		p.expire(r, x, err)
	case hasEnded(err): // nothing depends on them, and trying again is no use
		p.note(r, slog.LevelInfo, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		p.renew(r, x, unrenewed(x.grant), false)
	case r.Context().Err() == nil:
		pr.rest(x.now)
		p.note(r, slog.LevelWarn, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
	}
}

// claimTime is how long one process has for a renewal before another tries it: more than the calls to a provider take.
const claimTime = 15 * time.Second

// mayRenew reports whether this process is the one that renews a session's tokens now: providers take the second use of a
// refresh token for theft, and end everything. Where the store cannot say so nobody does for a moment: a refresh token must
// not be spent where the one that follows it cannot be kept.
func (p *Proxy) mayRenew(ctx context.Context, pr *provider, key session.Key) bool {
	shared, ok := p.store.(session.Claimer)
	if !ok {
		return true
	}
	now := p.now()
	ours, err := shared.Claim(context.WithoutCancel(ctx), key, now, now.Add(claimTime))
	if err != nil {
		pr.rest(now)
		p.noteStoreError(ctx, err)
	}
	return ours && err == nil
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

// renew puts new tokens into the session, which gets a new id along with them, and what they say about the person: the
// access rules are asked again.
func (p *Proxy) renew(r *http.Request, x *exchange, tokens oidc.Tokens, newID bool) {
	s := x.policy.renewed(x.session, x.scope.Name, tokens)
	stored := &s
	var err error
	if newID {
		stored, err = p.rename(r, x, s)
	} else if err = p.store.Put(context.WithoutCancel(r.Context()), stored, s.Key); err == nil {
		p.live.move(s.Key, stored, x.policy)
	} else if errors.Is(err, session.ErrNotFound) {
		stored, err = nil, nil
	}
	if err != nil {
		p.logStoreError(r, err)
		stored = &s // good for this request
	}
	x.adopt(stored)
}

// rotate gives the session a new id.
func (p *Proxy) rotate(r *http.Request, x *exchange) {
	stored, err := p.rename(r, x, *x.session)
	if err != nil { // the old one is good all the same
		p.logStoreError(r, err)
		return
	}
	x.adopt(stored)
}

// renewed is a session with new tokens, and with what they say about the person.
func (pol *policy) renewed(old *session.Session, area string, tokens oidc.Tokens) session.Session {
	s := *old
	s.Grants = slices.Clone(s.Grants)
	g := s.Grant(area)
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
	return s
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
	first, storeErr := p.endOnce(r.Context(), x.session, x.now)
	if storeErr != nil {
		p.logStoreError(r, storeErr)
	}
	if first {
		p.observer.Count(EventLogout)
		p.note(r, slog.LevelInfo, "logged out", slog.String("user", nameOf(x.grant.Identity)), slog.String("client", x.client.String()),
			slog.String("by", "expired token"), slog.String("error", err.Error()))
	}
	if x.gone = true; x.policy.issuerOf(x.grant.Login).bindsSessions() {
		x.expired = x.grant
	}
	x.session, x.grant, x.who = nil, nil, nil
}

// endOnce ends a session. Of many that learn at once that it is over, it is true for one.
func (p *Proxy) endOnce(ctx context.Context, s *session.Session, now time.Time) (first bool, err error) {
	p.expiring.Lock()
	defer p.expiring.Unlock()
	_, err = p.store.Use(context.WithoutCancel(ctx), s.Key, now)
	return !errors.Is(err, session.ErrNotFound), p.endAll(ctx, []*session.Session{s})
}
