package oidc

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// Tokens are the tokens of a login. They go into the session store, and nowhere else: printed or logged they show
// nothing.
type Tokens struct {
	AccessToken, IDToken string
	RefreshToken         string    // empty unless the scope has offline_access or the provider always gives one
	Expires              time.Time // of the access token; zero where nothing says so
}

// Expired reports whether the access token has expired at now.
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

// tokensOf checks the response of the token endpoint. The ID token may be missing after a refresh.
func (p *Provider) tokensOf(response tokenResponse) (Tokens, error) {
	if !strings.EqualFold(response.TokenType, "bearer") && response.TokenType != "" {
		return Tokens{}, fmt.Errorf("%w: the access token is not of type Bearer", ErrToken)
	}
	for name, token := range map[string]string{"access_token": response.AccessToken, "id_token": response.IDToken,
		"refresh_token": response.RefreshToken} {
		if len(token) > maxToken || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return Tokens{}, fmt.Errorf("%w: %s is too long or has an invalid character", ErrToken, name)
		}
	}
	if response.AccessToken == "" {
		return Tokens{}, fmt.Errorf("%w: there is no access_token", ErrToken)
	}
	return Tokens{AccessToken: response.AccessToken, IDToken: response.IDToken, RefreshToken: response.RefreshToken,
		Expires: p.expiry(response)}, nil
}

// expiry returns when the access token expires. With an audience it is a JWT that says so itself; it came from the
// provider directly and is for another audience, so its signature is not checked here.
func (p *Provider) expiry(response tokenResponse) time.Time {
	if p.options.Audience != "" {
		if c, err := unverifiedClaims(response.AccessToken); err == nil {
			if exp, ok, err := c.time("exp"); ok && err == nil {
				return exp
			}
		}
	}
	const century = 100 * 365 * 24 * 60 * 60
	seconds, err := strconv.ParseFloat(strings.Trim(string(response.ExpiresIn), `"`), 64)
	if err != nil || !(seconds > 0 && seconds <= century) { // NaN among them
		return time.Time{}
	}
	return p.options.Now().Add(time.Duration(seconds) * time.Second)
}
