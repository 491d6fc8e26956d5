package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Finish ends the login that t began, with the query of the callback. needed are the claims that decide whether the user
// gets access, named as for User.Strings: where the ID token lacks one, the userinfo endpoint is asked. The order matters:
// first that the callback belongs to this login and comes from this provider, then what it says, and only then is the
// code redeemed, once.
//
// The error wraps ErrCallback, ErrTransaction (ErrExpired) or ErrReplayed where the callback is at fault; is a
// *Refusal with ErrDenied where the provider denied the login; and wraps ErrUnavailable, ErrMisconfigured, ErrToken or
// ErrIdentity otherwise. After ErrUnavailable the same callback may be tried again only if the provider had not
// been found yet: otherwise the error is ErrReplayed, and a new Begin is needed.
func (p *Provider) Finish(ctx context.Context, query url.Values, t Transaction, needed ...string) (*Login, error) {
	c, err := parseCallback(query)
	if err != nil {
		return nil, err
	}
	if err := p.checkTransaction(c, t); err != nil {
		return nil, err
	}
	m, err := p.discovery.get(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.checkResponseIssuer(m); err != nil {
		return nil, err
	}
	if !p.states.use(t.state(), p.options.Now(), t.expires) {
		return nil, ErrReplayed
	}
	if c.refusal != nil {
		return nil, c.refusal
	}
	if c.code == "" {
		return nil, fmt.Errorf("%w: it holds neither a code nor an error", ErrCallback)
	}
	answer, err := p.redeem(ctx, m, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {c.code},
		"redirect_uri":  {p.options.RedirectURL},
		"code_verifier": {t.verifier()},
	})
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == "invalid_grant" { // the code is old, or another login's
		return nil, fmt.Errorf("%w: %w", ErrTransaction, err)
	}
	if err != nil {
		return nil, err
	}
	tokens, err := p.tokensOf(answer)
	if err != nil {
		return nil, err
	}
	user, err := p.userOfLogin(ctx, m, tokens, t.nonce(), needed)
	if err != nil {
		return nil, err
	}
	return &Login{User: user, Tokens: tokens, ReturnTo: t.returnTo}, nil
}

// userOfLogin verifies the ID token of a login and returns the user.
func (p *Provider) userOfLogin(ctx context.Context, m *metadata, tokens Tokens, nonce string, needed []string) (User, error) {
	c, err := p.verifyIDToken(ctx, tokens.IDToken, tokens.AccessToken)
	if err != nil {
		return User{}, err
	}
	given, err := c.text("nonce")
	if err != nil || subtle.ConstantTimeCompare([]byte(given), []byte(nonce)) != 1 {
		return User{}, fmt.Errorf("%w: the nonce does not match", ErrToken)
	}
	if err := p.checkLoginAge(c); err != nil {
		return User{}, err
	}
	issuer, err := m.issuerOf(c)
	if err != nil {
		return User{}, err
	}
	user, err := p.user(c, issuer)
	if err != nil {
		return User{}, err
	}
	if err := p.addUserinfo(ctx, m, tokens.AccessToken, &user, needed); err != nil {
		return User{}, err
	}
	return user, nil
}

// checkLoginAge checks the age of the login against max_age where that was requested: a parameter of the URL can be
// removed on the way (OpenID Connect Core, 3.1.3.7).
func (p *Provider) checkLoginAge(c claims) error {
	if !p.params.Has("max_age") {
		return nil
	}
	seconds, err := strconv.Atoi(p.params.Get("max_age"))
	if err != nil {
		return fmt.Errorf("%w: max_age is not a number of seconds", ErrMisconfigured)
	}
	at, said, err := c.time("auth_time")
	if err != nil || !said || p.options.Now().After(at.Add(time.Duration(seconds)*time.Second+skew)) {
		return fmt.Errorf("%w: it does not say that the login is as recent as max_age asks for", ErrToken)
	}
	return nil
}

// verifyIDToken checks everything about an ID token except the nonce (security class 11).
func (p *Provider) verifyIDToken(ctx context.Context, raw, accessToken string) (claims, error) {
	c, alg, err := p.verified(ctx, raw, p.options.ClientID)
	if err != nil {
		return nil, err
	}
	if err := c.checkTimes(p.options.Now(), true); err != nil {
		return nil, err
	}
	azp, err := c.text("azp")
	if err != nil || c.has("azp") && azp != p.options.ClientID {
		return nil, fmt.Errorf("%w: it was issued to another application", ErrToken)
	}
	if aud, _ := c.list("aud"); len(aud) > 1 && azp == "" {
		return nil, fmt.Errorf("%w: it has several audiences and no azp claim", ErrToken)
	}
	if c.has("events") {
		return nil, fmt.Errorf("%w: it has another type", ErrToken)
	}
	if err := c.checkAccessHash(accessToken, alg); err != nil {
		return nil, err
	}
	return c, nil
}

// checkAccessHash compares the access token with the ID token's at_hash, if there is one (OpenID Connect Core, 3.1.3.6).
func (c claims) checkAccessHash(accessToken, alg string) error {
	if !c.has("at_hash") || accessToken == "" {
		return nil
	}
	want, err := c.text("at_hash")
	if err != nil {
		return err
	}
	var h hash.Hash
	switch {
	case strings.HasSuffix(alg, "256"):
		h = sha256.New()
	case strings.HasSuffix(alg, "384"):
		h = sha512.New384()
	default: // the 512s, and EdDSA with the curve that has keys here
		h = sha512.New()
	}
	_, _ = h.Write([]byte(accessToken))
	sum := h.Sum(nil)
	if base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2]) != want {
		return fmt.Errorf("%w: it belongs to another access token", ErrToken)
	}
	return nil
}
