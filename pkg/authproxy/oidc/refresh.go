package oidc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// ErrNoRefresh: there is no refresh token, so the user has to log in again.
var ErrNoRefresh = errors.New("there is no refresh token")

// Refresh exchanges the refresh token for new tokens. Calls with the same one at the same time share one exchange, and
// calls within a minute afterwards, with the session as it was before, its result: a provider takes the second use of a
// refresh token for theft and ends everything. The caller stores the tokens.
//
// The error wraps ErrNoRefresh, ErrDenied where the provider ended the session, ErrToken where the new tokens are
// not valid, and ErrUnavailable where another attempt may succeed.
func (p *Provider) Refresh(ctx context.Context, old Tokens) (Tokens, error) {
	if old.RefreshToken == "" {
		return Tokens{}, ErrNoRefresh
	}
	key := sha256.Sum256([]byte(old.RefreshToken))
	// A client that leaves must not lose what has been exchanged already.
	detached := context.WithoutCancel(ctx)
	result := p.refreshes.DoChan(string(key[:]), func() (any, error) {
		if tokens, ok := p.refreshed.Get(key, p.options.Now()); ok {
			return tokens, nil
		}
		tokens, err := p.refresh(detached, old)
		if err == nil {
			p.refreshed.Put(key, tokens, p.options.Now(), keepRefreshed)
		}
		return tokens, err
	})
	select {
	case r := <-result:
		return r.Val.(Tokens), r.Err
	case <-ctx.Done():
		return Tokens{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

func (p *Provider) refresh(ctx context.Context, old Tokens) (Tokens, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return Tokens{}, err
	}
	response, err := p.redeem(ctx, m, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {old.RefreshToken}})
	if err != nil {
		return Tokens{}, err
	}
	tokens, err := p.tokensOf(response)
	if err != nil {
		return Tokens{}, err
	}
	if tokens.RefreshToken == "" {
		tokens.RefreshToken = old.RefreshToken
	}
	if tokens.IDToken == "" {
		tokens.IDToken = old.IDToken
		return tokens, nil
	}
	if err := p.checkSameUser(ctx, old.IDToken, tokens); err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

// checkSameUser verifies a renewed ID token, which must be about the same user (OpenID Connect Core, 12.2).
func (p *Provider) checkSameUser(ctx context.Context, oldIDToken string, tokens Tokens) error {
	c, err := p.verifyIDToken(ctx, tokens.IDToken, tokens.AccessToken)
	if err != nil {
		return err
	}
	before, err := unverifiedClaims(oldIDToken) // was verified when it came
	if err != nil {
		return err
	}
	for _, name := range []string{"iss", "sub"} {
		was, wasErr := before.text(name)
		is, isErr := c.text(name)
		if wasErr != nil || isErr != nil || was != is || is == "" {
			return fmt.Errorf("%w: the renewed ID token is about another user", ErrToken)
		}
	}
	if was, _ := before.text("nonce"); c.has("nonce") {
		if is, err := c.text("nonce"); err != nil || is != was {
			return fmt.Errorf("%w: the nonce does not match", ErrToken)
		}
	}
	_, err = p.user(c, "")
	return err
}

// Renewed returns the user of an ID token that Refresh has returned, and verified.
func (p *Provider) Renewed(t Tokens) (User, error) {
	c, err := unverifiedClaims(t.IDToken)
	if err != nil {
		return User{}, err
	}
	iss, _ := c.text("iss") // as it was
	return p.user(c, iss)
}

// How long and how many refresh tokens are remembered that have been exchanged.
const (
	keepRefreshed = time.Minute
	maxRefreshed  = 4 << 10
)
