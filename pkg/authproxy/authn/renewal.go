package authn

import (
	"context"
	"errors"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// renewal is the result of an attempt to renew the tokens of a session.
type renewal struct {
	outcome outcome
	stored  *session.Session // if replaced: the session with its new tokens
	tokens  oidc.Tokens      // if renewed
	err     error            // if refused: why; if kept: why the provider was not reached, or nil
}

type outcome int

const (
	tokensKept     outcome = iota // for now: another process renews the tokens, or the provider or the store is unavailable
	tokensReplaced                // another request or process has renewed the tokens
	tokensRenewed                 // the provider has issued new tokens, which have to be stored
	tokensRefused                 // the tokens cannot be renewed any more
	sessionEnded                  // the session has ended
)

// renewTokens exchanges the refresh token of a session. Providers take the second use of a refresh token for theft and
// revoke all tokens, so the session is claimed in the store first, for the processes that share it. If the store is
// unavailable the refresh token is not used, since the new one could not be stored.
func (a *Authenticator) renewTokens(ctx context.Context, pr *Provider, s *session.Session, scope string) renewal {
	ctx = context.WithoutCancel(ctx) // a client that disconnects must not lose the new tokens
	g := s.Grant(scope)
	if g.Login.RefreshToken != "" {
		stored, claimed, err := a.sessions.Claim(ctx, s.Key, a.now())
		switch {
		case errors.Is(err, session.ErrNotFound):
			return renewal{outcome: sessionEnded}
		case err != nil:
			pr.rest(a.now())
			a.noteStoreError(ctx, err)
			return renewal{outcome: tokensKept}
		case !sameTokens(stored, s, scope):
			return renewal{outcome: tokensReplaced, stored: stored}
		case !claimed:
			return renewal{outcome: tokensKept}
		}
	}
	tokens, err := pr.Refresh(ctx, oidc.Tokens{AccessToken: g.Identity.AccessToken, IDToken: g.Identity.IDToken,
		RefreshToken: g.Login.RefreshToken, Expires: g.Login.TokensExpire})
	switch {
	case err == nil:
		return renewal{outcome: tokensRenewed, tokens: tokens}
	case isRefusal(err):
		return renewal{outcome: tokensRefused, err: err}
	}
	return renewal{outcome: tokensKept, err: err}
}

// sameTokens reports whether two versions of a session have the same tokens.
func sameTokens(a, b *session.Session, scope string) bool {
	one, other := a.Grant(scope), b.Grant(scope)
	return one != nil && one.Login != nil && other != nil && other.Login != nil &&
		one.Login.RefreshToken == other.Login.RefreshToken && one.Identity.AccessToken == other.Identity.AccessToken &&
		one.Login.TokensExpire.Equal(other.Login.TokensExpire)
}

// withTokens returns the change that puts new tokens into a session, and what they say about the user. It does nothing
// if another request or process has replaced the tokens that before has.
func (pol *Policy) withTokens(before *session.Session, scope string, tokens oidc.Tokens) session.Change {
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
				case person.Name != "": // otherwise the name from the login stays
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

// withoutRefresh returns the tokens of a grant that are not renewed any more.
func withoutRefresh(g *session.Grant) oidc.Tokens {
	return oidc.Tokens{AccessToken: g.Identity.AccessToken, IDToken: g.Identity.IDToken}
}

// isRefusal reports whether a failed refresh is final.
func isRefusal(err error) bool {
	return errors.Is(err, oidc.ErrNoRefresh) || errors.Is(err, oidc.ErrDenied) || errors.Is(err, oidc.ErrToken) ||
		errors.Is(err, oidc.ErrIdentity)
}

// bindsSessions reports whether sessions end with their access token: if the application requests tokens for an audience.
func (pr *Provider) bindsSessions() bool { return pr.made.Audience != "" }

// endsSession reports whether a refusal ends the session: the provider has denied the refresh, or the new tokens are
// invalid or belong to another user. Without an audience, an account with unusable details changes nothing.
func (pr *Provider) endsSession(refusal error) bool {
	return errors.Is(refusal, oidc.ErrDenied) || errors.Is(refusal, oidc.ErrToken) || pr.bindsSessions()
}

// outlived reports whether a connection to path is over because its access token has expired: one for an audience that
// cannot be renewed. The session itself stays until the next request, which is redirected through the provider's logout.
func (pol *Policy) outlived(path string, s *session.Session, now time.Time) bool {
	pr, l := pol.expired(path, s, now)
	return pr != nil && l.RefreshToken == "" && pr.bindsSessions()
}

// due reports whether the tokens of a connection to path have expired and can be renewed now.
func (pol *Policy) due(path string, s *session.Session, now time.Time) bool {
	pr, l := pol.expired(path, s, now)
	return pr != nil && l.RefreshToken != "" && !pr.isResting(now)
}

// expired returns the login of a connection to path if its access token has expired, and its provider, which is nil
// otherwise.
func (pol *Policy) expired(path string, s *session.Session, now time.Time) (*Provider, *session.Login) {
	g := s.Grant(pol.Rules.Scope(path).Name)
	if g == nil || g.Login == nil || g.Login.TokensExpire.IsZero() || now.Before(g.Login.TokensExpire) {
		return nil, nil
	}
	return pol.ProviderOf(g.Login), g.Login
}
