package authn

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// maxRenewing is how many sessions are renewed at a time for what is open of them; the others follow a second later.
const maxRenewing = 32

// renewing are the sessions that are being renewed for what is open of them.
type renewing struct {
	mu   sync.Mutex
	keys map[session.Key]bool
}

func (n *renewing) begin(key session.Key) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.keys[key] || len(n.keys) >= maxRenewing {
		return false
	}
	if n.keys == nil {
		n.keys = map[session.Key]bool{}
	}
	n.keys[key] = true
	return true
}

func (n *renewing) end(key session.Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.keys, key)
}

// due reports whether the tokens of what opened path have expired and can be renewed now.
func (pol *Policy) due(path string, s *session.Session, now time.Time) bool {
	g := s.Grant(pol.Rules.Scope(path).Name)
	if g == nil || g.Login == nil || g.Login.RefreshToken == "" || g.Login.TokensExpire.IsZero() || now.Before(g.Login.TokensExpire) {
		return false
	}
	pr := pol.ProviderOf(g.Login)
	return pr != nil && !pr.isResting(now)
}

// renewOpen renews the tokens of a session for what is open of it, as a request does (see keepFresh): over an open
// WebSocket nobody sends one. It does so in the background, and does nothing where that is under way.
func (a *Authenticator) renewOpen(pol *Policy, s *session.Session, scope string) {
	if !a.renewing.begin(s.Key) {
		return
	}
	a.renewals.Go(func() {
		defer a.renewing.end(s.Key)
		a.renewNow(pol, s, scope)
	})
}

func (a *Authenticator) renewNow(pol *Policy, s *session.Session, scope string) {
	ctx := context.Background()
	g := s.Grant(scope)
	pr := pol.ProviderOf(g.Login)
	switch stored, ours, err := a.sessions.Claim(ctx, s.Key, a.Now()); {
	case errors.Is(err, session.ErrNotFound):
		a.InFlight.End(registry.Key(s.Key))
		return
	case err != nil: // a refresh token must not be spent where the one that follows it cannot be kept
		pr.rest(a.Now())
		a.noteStoreError(ctx, err)
		return
	case !sameTokens(stored, s, scope): // a request or another process was faster
		a.move(s.Key, stored, pol)
		return
	case !ours:
		return
	}
	tokens, err := pr.refresh(ctx, g)
	refused := hasEnded(err)
	attrs := []slog.Attr{slog.String("user", NameOf(g.Identity)), slog.String("issuer", pr.Issuer())}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	switch {
	case err == nil:
	case pr.isOver(err) && !pr.bindsSessions():
		n, storeErr := a.endAll(ctx, s)
		a.noteStoreError(ctx, storeErr)
		if n > 0 {
			a.Observer.Count(observe.Logout)
			a.Log.LogAttrs(ctx, slog.LevelInfo, "logged out", append(attrs, slog.String("by", "expired token"))...)
		}
		return
	case refused:
		tokens = unrenewed(g)
		if pr.bindsSessions() { // what is open ends at once, and the session with the next request, which leads through the provider's logout
			tokens.Expires = g.Login.TokensExpire
		}
		a.Log.LogAttrs(ctx, slog.LevelInfo, "tokens not renewed", attrs...)
	default:
		pr.rest(a.Now())
		a.Log.LogAttrs(ctx, slog.LevelWarn, "tokens not renewed", attrs...)
		return
	}
	renew := pol.renewal(s, scope, tokens)
	stored, err := a.sessions.Update(ctx, s, func(next *session.Session) bool {
		next.RotationDue = true // there is no response that could carry a new id
		return renew(next)
	})
	switch {
	case err == nil:
		a.move(s.Key, stored, pol)
	case !errors.Is(err, session.ErrNotFound): // else it has ended meanwhile, or a request was faster
		if refused && pr.bindsSessions() {
			a.InFlight.End(registry.Key(s.Key))
		}
		pr.rest(a.Now())
		a.noteStoreError(ctx, err)
	}
}
