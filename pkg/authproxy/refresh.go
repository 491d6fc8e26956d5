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

// keepFresh renews tokens that have expired. Where the application asked for an audience, a session does not outlive
// its access token: it ends here if that cannot be renewed. A provider that does not answer ends nothing.
func (p *Proxy) keepFresh(r *http.Request, x *exchange) {
	l := x.grant.Login
	if l.TokensExpire.IsZero() || x.now.Before(l.TokensExpire) {
		return
	}
	pr := x.policy.issuerOf(l)
	binding := pr.made.Audience != ""
	if l.RefreshToken == "" && !binding || pr.isResting(x.now) {
		return
	}
	// A visitor who leaves meanwhile must not lose what a refresh token, which is good once, has been exchanged for.
	tokens, err := pr.Refresh(context.WithoutCancel(r.Context()), oidc.Tokens{AccessToken: x.grant.Identity.AccessToken, IDToken: x.grant.Identity.IDToken,
		RefreshToken: l.RefreshToken, Expires: l.TokensExpire})
	switch {
	case err == nil:
		p.renew(r, x, tokens, true)
	case !hasEnded(err):
		if r.Context().Err() == nil {
			pr.rest(x.now)
			p.note(r, slog.LevelWarn, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		}
	case binding:
		p.expire(r, x, err)
	default: // nothing depends on them, and trying again is no use
		p.note(r, slog.LevelInfo, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", err.Error()))
		p.renew(r, x, oidc.Tokens{AccessToken: x.grant.Identity.AccessToken, IDToken: x.grant.Identity.IDToken}, false)
	}
}

// outlived reports whether what opened path is over with its access token: one for an audience that nothing renews.
// The session itself stays until the next request, which leads through the provider's logout.
func (pol *policy) outlived(path string, s *session.Session, now time.Time) bool {
	g := s.Grant(pol.rules.of(path).name)
	if g == nil || g.Login == nil || g.Login.RefreshToken != "" || g.Login.TokensExpire.IsZero() || now.Before(g.Login.TokensExpire) {
		return false
	}
	pr := pol.issuerOf(g.Login)
	return pr != nil && pr.made.Audience != ""
}

// hasEnded reports whether a refresh has failed for good.
func hasEnded(err error) bool {
	return errors.Is(err, oidc.ErrNoRefresh) || errors.Is(err, oidc.ErrDenied) || errors.Is(err, oidc.ErrToken) ||
		errors.Is(err, oidc.ErrIdentity)
}

// renew puts new tokens into the session, which gets a new id along with them, and what they say about the person: the
// access rules are asked again.
func (p *Proxy) renew(r *http.Request, x *exchange, tokens oidc.Tokens, newID bool) {
	s := *x.session
	s.Grants = slices.Clone(s.Grants)
	g := s.Grant(x.area.name)
	l := *g.Login
	if pr := x.policy.issuerOf(&l); pr != nil && tokens.IDToken != g.Identity.IDToken {
		if person, err := pr.Renewed(tokens); err == nil {
			x.policy.admission.update(&l, pr, &person)
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

// adopt makes s the session of this request, nil for none: it has ended meanwhile.
func (x *exchange) adopt(s *session.Session) {
	x.session, x.grant, x.who = s, nil, nil
	if s == nil {
		return
	}
	if g := s.Grant(x.area.name); g != nil && x.policy.holds(x.area, g) {
		x.grant, x.who = g, &g.Identity
	}
}

// expire ends a session whose access token has expired.
func (p *Proxy) expire(r *http.Request, x *exchange, err error) {
	p.end(r, []*session.Session{x.session})
	p.observer.Count(EventLogout)
	p.note(r, slog.LevelInfo, "logged out", slog.String("user", nameOf(x.grant.Identity)), slog.String("client", x.client.String()),
		slog.String("by", "expired token"), slog.String("error", err.Error()))
	x.expired = x.grant
	x.session, x.grant, x.who = nil, nil, nil
}
