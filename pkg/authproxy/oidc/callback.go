package oidc

import (
	"crypto/subtle"
	"fmt"
	"net/url"
)

const (
	maxState    = 128     // bytes; ours has 43
	maxAuthCode = 8 << 10 // bytes of a code; some providers put a whole token there
	maxIssuer   = 1 << 10
)

// callback is the query with which the provider sends a browser back.
type callback struct {
	state, code, issuer string
	refusal             *Refusal
}

// parseCallback reads the query. Duplicate parameters are refused, since two readers may take different ones.
func parseCallback(query url.Values) (callback, error) {
	var c callback
	for name, field := range map[string]struct {
		to   *string
		most int
	}{"state": {&c.state, maxState}, "code": {&c.code, maxAuthCode}, "iss": {&c.issuer, maxIssuer}} {
		values := query[name]
		if len(values) > 1 || len(values) == 1 && (len(values[0]) > field.most || hasControl(values[0])) {
			return callback{}, fmt.Errorf("%w: %s appears twice, is too long or has a control character", ErrCallback, name)
		}
		*field.to = query.Get(name)
	}
	if codes := query["error"]; len(codes) > 0 {
		if len(codes) > 1 || c.code != "" {
			return callback{}, fmt.Errorf("%w: it has both a code and an error, or several errors", ErrCallback)
		}
		c.refusal = newRefusal(codes[0], query.Get("error_description"))
		c.refusal.atCallback = true
	}
	return c, nil
}

// checkTransaction checks that the callback belongs to this login before anything in it is used: otherwise an attacker
// could log a victim in to the attacker's account (security class 7).
func (p *Provider) checkTransaction(c callback, t Transaction) error {
	if subtle.ConstantTimeCompare([]byte(c.state), []byte(t.state())) != 1 {
		return fmt.Errorf("%w: the state does not match", ErrTransaction)
	}
	if t.binding != p.binding || t.provider != p.options.Name {
		return fmt.Errorf("%w: it was begun with another provider", ErrTransaction)
	}
	if !p.options.Now().Before(t.expires) {
		return ErrExpired
	}
	return nil
}

// checkResponseIssuer compares the issuer of the response with the one that was asked: RFC 9207 (security class 12).
func (c callback) checkResponseIssuer(m *metadata) error {
	switch {
	case c.issuer == "" && !m.AnnouncesIss:
		return nil
	case m.tenants != nil && m.tenants.has(c.issuer): // the token says which
		return nil
	case c.issuer != m.Issuer:
		return fmt.Errorf("%w: another provider sent it", ErrCallback)
	}
	return nil
}
