package oidc

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// LogoutToken names the sessions that the provider has ended. At least one of Subject and SessionID is set; with a
// SessionID only the logins of that session end.
type LogoutToken struct{ Issuer, Subject, SessionID string }

const (
	logoutEvent  = "http://schemas.openid.net/event/backchannel-logout"
	logoutRecent = 2 * time.Minute // a token without expiry is good for this long, and skew
	maxTokenID   = 256             // bytes of jti
)

// VerifyLogoutToken checks the logout_token that a provider sent (OpenID Connect Back-Channel Logout, 2.6). The
// error wraps ErrToken, ErrReplayed for a token that has been seen, or ErrUnavailable.
func (p *Provider) VerifyLogoutToken(ctx context.Context, raw string) (LogoutToken, error) {
	c, _, err := p.verified(ctx, raw, p.options.ClientID, typeLogout)
	if err != nil {
		return LogoutToken{}, err
	}
	now := p.options.Now()
	if err := c.checkTimes(now, false); err != nil {
		return LogoutToken{}, err
	}
	until := now.Add(LoginTime)
	if exp, ok, _ := c.time("exp"); ok {
		until = exp.Add(skew)
	} else if iat, _, _ := c.time("iat"); !now.Before(iat.Add(logoutRecent + skew)) {
		return LogoutToken{}, fmt.Errorf("%w: it has expired", ErrToken)
	}
	if err := c.checkLogoutEvent(); err != nil {
		return LogoutToken{}, err
	}
	sub, subErr := c.text("sub")
	sid, sidErr := c.text("sid")
	if subErr != nil || sidErr != nil || sub == "" && sid == "" || hasControl(sub) || hasControl(sid) {
		return LogoutToken{}, fmt.Errorf("%w: it names neither a user nor a session", ErrToken)
	}
	id, err := c.text("jti")
	if err != nil || id == "" || len(id) > maxTokenID {
		return LogoutToken{}, fmt.Errorf("%w: it has no usable id", ErrToken)
	}
	if !p.logouts.use(id, now, until) {
		return LogoutToken{}, ErrReplayed
	}
	iss, _ := c.text("iss") // verified
	return LogoutToken{Issuer: iss, Subject: sub, SessionID: sid}, nil
}

// checkLogoutEvent requires the event of a logout token, and refuses the nonce of an ID token.
func (c claims) checkLogoutEvent() error {
	if _, there := c["nonce"]; there { // null too
		return fmt.Errorf("%w: a logout token has no nonce", ErrToken)
	}
	// The event has to be an object. Other events are ignored: Keycloak adds
	// "revoke_offline_access": true.
	var events, event jsonObject
	if !c.has("events") || json.Unmarshal(c["events"], &events) != nil || events[logoutEvent] == nil ||
		json.Unmarshal(events[logoutEvent], &event) != nil || event == nil {
		return fmt.Errorf("%w: it is not about a logout", ErrToken)
	}
	return nil
}
