package devidp

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	rsaBits   = 2048
	algorithm = jose.RS256
)

// signer signs tokens with a key that is new at every start.
type signer struct {
	key   *rsa.PrivateKey
	keyID string
}

func newSigner(random io.Reader) (*signer, error) {
	key, err := rsa.GenerateKey(random, rsaBits)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	id, err := newToken(random)
	return &signer{key, id}, err
}

// public are the keys that verify.
func (s *signer) public() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: s.key.Public(), KeyID: s.keyID, Algorithm: string(algorithm), Use: "sig"}}}
}

// sign makes a JWT whose header says of which type it is.
func (s *signer) sign(typ jose.ContentType, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	with := jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: s.key, KeyID: s.keyID}}
	j, err := jose.NewSigner(with, (&jose.SignerOptions{}).WithType(typ))
	if err != nil {
		return "", err
	}
	signed, err := j.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// open returns what a JWT of our own says. It may have expired.
func (s *signer) open(token string) (payload []byte, err error) {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{algorithm})
	if err != nil {
		return nil, err
	}
	return signed.Verify(s.key.Public())
}

// claims are what every token says.
func (e *endpoints) claims(g *grant, audience string) map[string]any {
	now := e.now()
	return map[string]any{
		"iss": e.issuer, "sub": g.session.user.subject(), "aud": []string{audience}, "azp": clientID,
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
	}
}

// idToken is for the application alone: OpenID Connect Core 1.0, sections 2 and 3.1.3.6.
func (e *endpoints) idToken(g *grant, nonce, accessToken string) (string, error) {
	c := g.about()
	for name, value := range e.claims(g, clientID) {
		c[name] = value
	}
	sum := sha256.Sum256([]byte(accessToken))
	c["at_hash"] = base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	c["auth_time"], c["sid"] = g.session.at.Unix(), g.session.id
	if nonce != "" {
		c["nonce"] = nonce
	}
	return e.signer.sign("JWT", c)
}

// accessToken is for the grant's audience: RFC 9068. It has the e-mail and the groups, so that rules for programs can be
// tried.
func (e *endpoints) accessToken(g *grant) (string, error) {
	id, err := newToken(e.store.random)
	if err != nil {
		return "", err
	}
	c := e.claims(g, g.audience)
	c["jti"], c["client_id"], c["scope"] = id, clientID, strings.Join(g.scopes, " ")
	u := g.session.user
	c["email"], c["email_verified"] = u.Email, true
	if len(u.Groups) > 0 {
		c[scopeGroups] = u.Groups
	}
	return e.signer.sign("at+jwt", c)
}

// about says of the user what the scopes allow. Groups need none: with most providers they come by a rule of the tenant.
func (g *grant) about() map[string]any {
	c, u := map[string]any{}, g.session.user
	if slices.Contains(g.scopes, scopeProfile) {
		c["name"] = u.shown()
	}
	if slices.Contains(g.scopes, scopeEmail) {
		c["email"], c["email_verified"] = u.Email, true
	}
	if len(u.Groups) > 0 {
		c[scopeGroups] = u.Groups
	}
	return c
}

// sessionOf returns the session that one of our ID tokens is of.
func (e *endpoints) sessionOf(idToken string) (id string, err error) {
	payload, err := e.signer.open(idToken)
	if err != nil {
		return "", err
	}
	var c struct {
		Issuer   string   `json:"iss"`
		Audience []string `json:"aud"`
		Session  string   `json:"sid"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return "", err
	}
	if c.Issuer != e.issuer || !slices.Contains(c.Audience, clientID) {
		return "", errors.New("it is for another application")
	}
	return c.Session, nil
}
