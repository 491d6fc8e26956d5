package authn

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// maxRenewing is how many sessions are renewed in the background at a time; the others follow a second later.
const maxRenewing = 32

// renewing holds the sessions that are being renewed in the background.
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

// renewOpen renews the tokens of a session that has open connections, as KeepFresh does for a request: while a WebSocket
// is open there may be no requests for hours. It works in the background, once at a time for each session.
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
	got := a.renewTokens(ctx, pr, s, scope)
	attrs := []slog.Attr{slog.String("user", g.Identity.DisplayName()), slog.String("issuer", pr.Issuer())}
	if got.err != nil {
		attrs = append(attrs, slog.String("error", got.err.Error()))
	}
	switch got.outcome {
	case sessionEnded:
		a.inFlight.End(registry.Key(s.Key))
		return
	case tokensReplaced:
		a.move(s.Key, got.stored, pol)
		return
	case tokensKept:
		if got.err != nil {
			pr.rest(a.now())
			a.log.LogAttrs(ctx, slog.LevelWarn, "tokens not renewed", attrs...)
		}
		return
	case tokensRefused:
		if pr.endsSession(got.err) && !pr.bindsSessions() {
			n, err := a.endAll(ctx, s)
			a.noteStoreError(ctx, err)
			if n > 0 {
				a.observer.Count(observe.Logout)
				a.log.LogAttrs(ctx, slog.LevelInfo, "logged out", append(attrs, slog.String("by", "expired token"))...)
			}
			return
		}
		a.log.LogAttrs(ctx, slog.LevelInfo, "tokens not renewed", attrs...)
		if got.tokens = withoutRefresh(g); pr.bindsSessions() {
			got.tokens.Expires = g.Login.TokensExpire // connections end now, and the session with the next request: see outlived
		}
	case tokensRenewed:
	}
	change := pol.withTokens(s, scope, got.tokens)
	stored, err := a.sessions.Update(ctx, s, func(next *session.Session) bool {
		next.RotationDue = true // there is no response that could carry a new id
		return change(next)
	})
	switch {
	case err == nil:
		a.move(s.Key, stored, pol)
	case !errors.Is(err, session.ErrNotFound): // otherwise the session has ended meanwhile
		if got.outcome == tokensRefused && pr.bindsSessions() {
			a.inFlight.End(registry.Key(s.Key))
		}
		pr.rest(a.now())
		a.noteStoreError(ctx, err)
	}
}
