package oidc

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Tokens are what a login brought. They go into the session's store, and nowhere else: printed or logged they
// show nothing.
type Tokens struct {
	AccessToken, IDToken string
	RefreshToken         string    // empty unless the scope has offline_access or the provider always gives one
	Expires              time.Time // of the access token; zero where nothing says so
}

// Expired reports whether the access token is of no more use at now.
func (t Tokens) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Format keeps tokens out of whatever prints them.
func (t Tokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue keeps tokens out of logs.
func (t Tokens) LogValue() slog.Value { return slog.StringValue("***") }

// Expired reports whether a session with these tokens has to end, or its tokens to be renewed: only an audience
// that was asked for makes the life of the access token that of the session.
func (p *Provider) Expired(t Tokens) bool {
	return p.options.Audience != "" && t.Expired(p.options.Now())
}

// tokensOf checks the answer of the token endpoint. The ID token may be missing after a refresh.
func (p *Provider) tokensOf(answer tokenAnswer) (Tokens, error) {
	if !strings.EqualFold(answer.TokenType, "bearer") && answer.TokenType != "" {
		return Tokens{}, fmt.Errorf("%w: the access token is not of type Bearer", ErrToken)
	}
	for name, token := range map[string]string{"access_token": answer.AccessToken, "id_token": answer.IDToken,
		"refresh_token": answer.RefreshToken} {
		if len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return Tokens{}, fmt.Errorf("%w: %s is too long or has a character that no token may have", ErrToken, name)
		}
	}
	if answer.AccessToken == "" {
		return Tokens{}, fmt.Errorf("%w: there is no access_token", ErrToken)
	}
	return Tokens{AccessToken: answer.AccessToken, IDToken: answer.IDToken, RefreshToken: answer.RefreshToken,
		Expires: p.expiry(answer)}, nil
}

// expiry returns when the access token expires. With an audience it is a JWT that says so itself; it came from the
// provider over its own connection and is for somebody else, so its signature is not ours to check.
func (p *Provider) expiry(answer tokenAnswer) time.Time {
	if p.options.Audience != "" {
		if c, err := unverifiedClaims(answer.AccessToken); err == nil {
			if exp, ok, err := c.time("exp"); ok && err == nil {
				return exp
			}
		}
	}
	const century = 100 * 365 * 24 * 60 * 60
	seconds, err := strconv.ParseFloat(strings.Trim(string(answer.ExpiresIn), `"`), 64)
	if err != nil || !(seconds > 0 && seconds <= century) { // NaN among them
		return time.Time{}
	}
	return p.options.Now().Add(time.Duration(seconds) * time.Second)
}
