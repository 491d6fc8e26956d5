package authproxy

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// maxRenewing is how many sessions are renewed at a time for what is open of them; the others follow a second later.
const maxRenewing = 32

// renewing are the sessions that are being renewed for what is open of them, and those that have been and still have
// their id: a renewal of tokens gives a session a new one (security class 8), but there was no response to hand it out.
type renewing struct {
	mu      sync.Mutex
	keys    map[session.Key]bool
	oldIDs  map[session.Key]bool
	anyOlds atomic.Bool // there are oldIDs, so that most requests need no lock
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

// keepID notes that a session has been renewed under its id.
func (n *renewing) keepID(key session.Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.oldIDs == nil || len(n.oldIDs) >= maxRenames {
		n.oldIDs = map[session.Key]bool{}
	}
	n.oldIDs[key] = true
	n.anyOlds.Store(true)
}

// takeID reports whether a session is to get a new id now, once.
func (n *renewing) takeID(key session.Key) bool {
	if !n.anyOlds.Load() {
		return false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	due := n.oldIDs[key]
	delete(n.oldIDs, key)
	n.anyOlds.Store(len(n.oldIDs) > 0)
	return due
}

// due reports whether the tokens of what opened path have expired and can be renewed now.
func (pol *policy) due(path string, s *session.Session, now time.Time) bool {
	g := s.Grant(pol.rules.Scope(path).Name)
	if g == nil || g.Login == nil || g.Login.RefreshToken == "" || g.Login.TokensExpire.IsZero() || now.Before(g.Login.TokensExpire) {
		return false
	}
	pr := pol.issuerOf(g.Login)
	return pr != nil && !pr.isResting(now)
}

// renewOpen renews the tokens of a session for what is open of it, as a request does (see keepFresh): over an open
// WebSocket nobody sends one. It does so in the background, and does nothing where that is under way.
func (p *Proxy) renewOpen(pol *policy, s *session.Session, area string) {
	if !p.renewing.begin(s.Key) {
		return
	}
	p.running.Go(func() {
		defer p.renewing.end(s.Key)
		p.renewNow(pol, s, area)
	})
}

func (p *Proxy) renewNow(pol *policy, s *session.Session, area string) {
	ctx := context.Background()
	g := s.Grant(area)
	pr := pol.issuerOf(g.Login)
	// Another process on the same store may have renewed or ended it: a refresh token that is used twice counts as stolen.
	if looker, ok := p.store.(session.Looker); ok {
		stored, err := looker.Look(ctx, s.Key, p.now())
		switch {
		case errors.Is(err, session.ErrNotFound): // it has ended, or a request has given it a new id, and moves what is open
			p.renames.settle(s.Key)
			p.live.end(s.Key)
			return
		case err != nil: // a refresh token must not be spent where the one that follows it cannot be kept
			pr.rest(p.now())
			p.noteStoreError(ctx, err)
			return
		case !sameTokens(stored, s, area):
			p.live.move(s.Key, stored, pol)
			return
		}
	}
	if !p.mayRenew(ctx, pr, s.Key) {
		return
	}
	tokens, err := pr.refresh(ctx, g)
	refused := hasEnded(err)
	attrs := []slog.Attr{slog.String("user", nameOf(g.Identity)), slog.String("issuer", pr.Issuer())}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	switch {
	case err == nil:
	case pr.isOver(err) && !pr.bindsSessions():
		if first, storeErr := p.endOnce(ctx, s, p.now()); first {
			p.observer.Count(EventLogout)
			p.log.LogAttrs(ctx, slog.LevelInfo, "logged out", append(attrs, slog.String("by", "expired token"))...)
			p.noteStoreError(ctx, storeErr)
		}
		return
	case refused:
		tokens = unrenewed(g)
		if pr.bindsSessions() { // what is open ends at once, and the session with the next request, which leads through the provider's logout
			tokens.Expires = g.Login.TokensExpire
		}
		p.log.LogAttrs(ctx, slog.LevelInfo, "tokens not renewed", attrs...)
	default:
		pr.rest(p.now())
		p.log.LogAttrs(ctx, slog.LevelWarn, "tokens not renewed", attrs...)
		return
	}
	next := pol.renewed(s, area, tokens)
	switch err := p.store.Put(ctx, &next, s.Key); {
	case err == nil:
		p.renewing.keepID(s.Key)
		p.live.move(s.Key, &next, pol)
	case !errors.Is(err, session.ErrNotFound): // else it has ended meanwhile, or a request was faster
		if refused && pr.bindsSessions() {
			p.live.end(s.Key)
		}
		pr.rest(p.now())
		p.noteStoreError(ctx, err)
	}
}

// sameTokens reports whether two states of a session have the same refresh token.
func sameTokens(a, b *session.Session, area string) bool {
	one, other := a.Grant(area), b.Grant(area)
	return one != nil && one.Login != nil && other != nil && other.Login != nil && one.Login.RefreshToken == other.Login.RefreshToken
}

// noteStoreError is logStoreError where there is no request.
func (p *Proxy) noteStoreError(ctx context.Context, err error) {
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}
