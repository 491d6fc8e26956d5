package authn

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// KeepFresh renews tokens that have expired. If the provider refuses, the session may end: see endsSession. A provider
// that does not answer ends nothing.
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
	switch got := a.renewTokens(r.Context(), pr, st.Session, st.Scope.Name); got.outcome {
	case sessionEnded:
		st.adopt(nil)
	case tokensReplaced:
		a.takeOver(st, got.stored)
		a.rotateIfDue(r, st)
	case tokensRenewed:
		a.storeTokens(r, st, got.tokens, true)
	case tokensRefused:
		if pr.endsSession(got.err) {
			a.expire(r, st, got.err)
			return
		}
		a.log.Request(r, slog.LevelInfo, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", got.err.Error()))
		a.storeTokens(r, st, withoutRefresh(st.Grant), false)
	case tokensKept:
		if got.err != nil && r.Context().Err() == nil {
			pr.rest(st.Now)
			a.log.Request(r, slog.LevelWarn, "tokens not renewed", slog.String("issuer", pr.Issuer()), slog.String("error", got.err.Error()))
		}
	}
}

// storeTokens stores new tokens and, with newID, rotates the session (security class 8).
func (a *Authenticator) storeTokens(r *http.Request, st *State, tokens oidc.Tokens, newID bool) {
	before, change := st.Session, st.Policy.withTokens(st.Session, st.Scope.Name, tokens)
	var stored *session.Session
	var err error
	if newID && st.sessionID != "" {
		stored, err = a.sessions.Rotate(r.Context(), st.Policy.secrets, st.sessionID, before, st.Now, func(next *session.Session) bool {
			return change(next) || next.RotationDue // if a renewal in the background was faster
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
		st.adopt(next) // for this request only
	default:
		a.takeOver(st, stored)
	}
}

// rotateIfDue rotates a session whose tokens were renewed in the background, without a response to send the new id with.
func (a *Authenticator) rotateIfDue(r *http.Request, st *State) {
	if st.Session == nil || !st.Session.RotationDue || st.sessionID == "" {
		return
	}
	stored, err := a.sessions.Rotate(r.Context(), st.Policy.secrets, st.sessionID, st.Session, st.Now,
		func(next *session.Session) bool { return next.RotationDue })
	switch {
	case errors.Is(err, session.ErrNotFound):
		st.adopt(nil)
	case err != nil: // the current id stays valid
		a.LogStoreError(r, err)
	default:
		a.takeOver(st, stored)
	}
}

// takeOver makes a later version of the session that of the request. Open connections of the session follow it, and the
// client gets its new id.
func (a *Authenticator) takeOver(st *State, stored *session.Session) {
	a.move(st.Session.Key, stored, st.Policy)
	if id := session.CurrentID(st.Policy.secrets, st.sessionID, stored); id != st.sessionID {
		st.sessionID = id
		a.sendCookie(st, stored)
	}
	st.adopt(stored)
}

// adopt makes s the session of this request, or nil if the session has ended.
func (st *State) adopt(s *session.Session) {
	st.Session, st.Grant, st.User = s, nil, nil
	if s == nil {
		return
	}
	if g := s.Grant(st.Scope.Name); g != nil && st.Policy.holds(st.Scope, g) {
		st.Grant, st.User = g, &g.Identity
	}
}

// expire ends a session whose tokens cannot be renewed.
func (a *Authenticator) expire(r *http.Request, st *State, refusal error) {
	n, err := a.endAll(r.Context(), st.Session)
	if err != nil {
		a.LogStoreError(r, err)
	}
	if n > 0 { // and not by another request
		a.observer.Count(observe.Logout)
		a.log.Request(r, slog.LevelInfo, "logged out", slog.String("user", st.Grant.Identity.DisplayName()), slog.String("client", st.Client.Addr.String()),
			slog.String("by", "expired token"), slog.String("error", refusal.Error()))
	}
	if st.SessionEnded = true; st.Policy.ProviderOf(st.Grant.Login).bindsSessions() {
		st.ExpiredGrant = st.Grant
	}
	st.adopt(nil)
}
