package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// Bearer is a program that has sent an access token.
type Bearer struct {
	User    User
	Expires time.Time // for the caller's cache of tokens that have been verified
	token   string
}

// Format keeps the token out of whatever prints a Bearer.
func (b Bearer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.User.Subject) }

// LogValue keeps it out of logs.
func (b Bearer) LogValue() slog.Value { return slog.StringValue(b.User.Subject) }

// Identity is what the app is told.
func (b *Bearer) Identity() identity.Identity {
	return identity.Identity{Name: b.User.Name, Subject: b.User.Subject, AccessToken: b.token}
}

// VerifyBearer checks a JWT access token that a program sent, which must be for the audience. An ID token is refused,
// though the same provider signed it (security class 11). The error wraps ErrToken, ErrIdentity or ErrUnavailable.
func (p *Provider) VerifyBearer(ctx context.Context, raw, audience string) (*Bearer, error) {
	if audience == "" {
		return nil, errors.New("a bearer token needs an audience")
	}
	c, _, err := p.verified(ctx, raw, audience, typeAccess)
	if err != nil {
		return nil, err
	}
	if err := c.checkTimes(p.options.Now(), true); err != nil {
		return nil, err
	}
	for _, name := range []string{"nonce", "at_hash", "c_hash", "events"} {
		if c.has(name) {
			return nil, fmt.Errorf("%w: it is not an access token", ErrToken)
		}
	}
	aud, _ := c.list("aud")                                                           // verified
	if slices.Contains(aud, p.options.ClientID) && !c.has("scope") && !c.has("scp") { // only its scope tells it from an ID token
		return nil, fmt.Errorf("%w: it is not an access token", ErrToken)
	}
	iss, _ := c.text("iss") // verified
	user, err := p.user(c, iss)
	if err != nil {
		return nil, err
	}
	exp, _, _ := c.time("exp")
	return &Bearer{User: user, Expires: exp, token: raw}, nil
}

// Claimed reports whether a token claims to be from this provider, to choose the provider that verifies it. Nothing is
// verified here.
func (p *Provider) Claimed(raw string) bool {
	c, err := unverifiedClaims(raw)
	if err != nil {
		return false
	}
	iss, err := c.text("iss")
	if err != nil {
		return false
	}
	if iss == "accounts.google.com" { // as Google sometimes writes it
		iss = "https://" + iss
	}
	if t, ok := tenantsOf(p.discovery.issuer); ok && t.has(iss) {
		return true
	}
	issuer, err := NormalIssuer(iss)
	return err == nil && issuer == p.discovery.issuer
}

// unverifiedClaims reads a token without verifying it.
func unverifiedClaims(raw string) (claims, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: it is not a JWT", ErrToken)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, fmt.Errorf("%w: it is not a JWT", ErrToken)
	}
	return parseClaims(payload)
}
