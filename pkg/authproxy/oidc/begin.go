package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"time"
)

// Begin starts a login: the browser is to be redirected to the URL, with a cookie that holds the sealed Transaction.
// returnTo, at most MaxReturnTo bytes, is returned at the end; the caller has checked that it is a safe target.
// The error wraps ErrUnavailable or ErrMisconfigured where the provider has not been found.
func (p *Provider) Begin(ctx context.Context, returnTo string) (string, Transaction, error) {
	if len(returnTo) > MaxReturnTo {
		return "", Transaction{}, fmt.Errorf("the address to return to is longer than %d bytes", MaxReturnTo)
	}
	m, err := p.discovery.get(ctx)
	if err != nil {
		return "", Transaction{}, err
	}
	t := Transaction{binding: p.binding, provider: p.options.Name, returnTo: returnTo,
		expires: p.options.Now().Add(LoginTime).Truncate(time.Millisecond)}
	if _, err := io.ReadFull(p.options.Random, t.seed[:]); err != nil {
		return "", Transaction{}, fmt.Errorf("draw random bytes: %w", err)
	}
	challenge := sha256.Sum256([]byte(t.verifier()))
	query := url.Values{
		"response_type":         {"code"},
		"client_id":             {p.options.ClientID},
		"redirect_uri":          {p.options.RedirectURL},
		"scope":                 {p.scope},
		"state":                 {t.state()},
		"nonce":                 {t.nonce()},
		"code_challenge":        {base64.RawURLEncoding.EncodeToString(challenge[:])},
		"code_challenge_method": {"S256"},
	}
	for name, values := range p.params {
		if !query.Has(name) {
			query[name] = values
		}
	}
	if p.options.Audience != "" {
		query.Set("audience", p.options.Audience)
	}
	if p.options.Prompt != "" {
		query.Set("prompt", p.options.Prompt)
	}
	address, err := withQuery(m.Authorization, query)
	if err != nil {
		return "", Transaction{}, fmt.Errorf("%w: authorization_endpoint is not a URL", ErrMisconfigured)
	}
	return address, t, nil
}

// withQuery adds parameters to those of an endpoint.
func withQuery(endpoint string, query url.Values) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", err
	}
	all := u.Query()
	for name, values := range query {
		all[name] = values
	}
	u.RawQuery = all.Encode()
	return u.String(), nil
}
