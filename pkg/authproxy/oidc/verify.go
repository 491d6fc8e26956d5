package oidc

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	skew     = 5 * time.Minute // by which clocks may differ
	maxToken = 64 << 10        // bytes of a token
)

// Types of tokens, in the header. A token for one purpose is refused for any other.
const (
	typeLogout = "logout+jwt"
	typeAccess = "at+jwt"
)

// verified checks a token's signature, type, issuer and audience, in this order, and returns its claims and the
// algorithm. Further checks depend on the kind of token. The error wraps ErrToken, or ErrUnavailable where the keys
// cannot be fetched.
func (p *Provider) verified(ctx context.Context, raw, audience string, types ...string) (claims, string, error) {
	m, err := p.discovery.get(ctx)
	if err != nil {
		return nil, "", err
	}
	c, alg, err := p.signed(ctx, m, raw, types)
	if err != nil {
		return nil, "", err
	}
	if err := c.checkIssuer(m); err != nil {
		return nil, "", err
	}
	if aud, err := c.list("aud"); err != nil || !slices.Contains(aud, audience) {
		return nil, "", fmt.Errorf("%w: it is for another audience", ErrToken)
	}
	return c, alg, nil
}

// signed returns the claims of a token that the provider has signed, and the algorithm.
func (p *Provider) signed(ctx context.Context, m *metadata, raw string, types []string) (claims, string, error) {
	if len(raw) > maxToken {
		return nil, "", fmt.Errorf("%w: it is longer than %d bytes", ErrToken, maxToken)
	}
	// The library's errors quote the token's header, which anyone can write.
	jws, err := jose.ParseSignedCompact(raw, m.algorithms())
	if err != nil || len(jws.Signatures) != 1 {
		return nil, "", fmt.Errorf("%w: it is malformed, or signed by an algorithm that is not accepted", ErrToken)
	}
	header := jws.Signatures[0].Protected
	if _, critical := header.ExtraHeaders["crit"]; critical { // no extension is supported, and the library accepts an empty list
		return nil, "", fmt.Errorf("%w: it demands an extension that is not known", ErrToken)
	}
	if !typeAllowed(header, types) {
		return nil, "", fmt.Errorf("%w: it has another type", ErrToken)
	}
	for again, fetched := false, false; !fetched; again = true {
		var keys []key
		keys, fetched, err = p.keys.candidates(ctx, m.Keys, header.KeyID, header.Algorithm, again)
		if err != nil {
			return nil, "", err
		}
		for _, key := range keys {
			if payload, err := jws.Verify(key.Key); err == nil {
				c, err := parseClaims(payload)
				if err == nil {
					err = key.checkIssuer(c, m)
				}
				return c, header.Algorithm, err
			}
		}
		fetched = fetched || again // once
	}
	return nil, "", fmt.Errorf("%w: the signature is not the provider's", ErrToken)
}

// typeAllowed accepts a token without a type, a plain JWT, and the given types.
func typeAllowed(header jose.Header, types []string) bool {
	value, present := header.ExtraHeaders[jose.HeaderType]
	if !present {
		return true
	}
	typ, ok := value.(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return ok && (typ == "jwt" || slices.Contains(types, typ))
}

// checkIssuer requires the announced spelling. Google has used two.
func (c claims) checkIssuer(m *metadata) error {
	issuer, err := m.issuerOf(c)
	if err != nil {
		return err
	}
	iss, err := c.text("iss")
	if err != nil || iss != issuer && (issuer != "https://accounts.google.com" || iss != "accounts.google.com") {
		return fmt.Errorf("%w: it is from another issuer", ErrToken)
	}
	return nil
}

// checkTimes requires iat, and exp where needsExpiry is set, and checks nbf where it is present.
func (c claims) checkTimes(now time.Time, needsExpiry bool) error {
	exp, hasExpiry, err := c.time("exp")
	if err != nil || needsExpiry && !hasExpiry {
		return fmt.Errorf("%w: it has no expiry", ErrToken)
	}
	if hasExpiry && !now.Before(exp.Add(skew)) {
		return fmt.Errorf("%w: it has expired", ErrToken)
	}
	iat, issued, err := c.time("iat")
	if err != nil || !issued {
		return fmt.Errorf("%w: it does not say when it was issued", ErrToken)
	}
	nbf, delayed, err := c.time("nbf")
	if err != nil || iat.After(now.Add(skew)) || delayed && nbf.After(now.Add(skew)) {
		return fmt.Errorf("%w: it is not valid yet", ErrToken)
	}
	return nil
}
