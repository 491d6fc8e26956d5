package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const minRSA = 2048 // bits of an RSA key

// key is a public key. Entra ID says which issuer's tokens it signs, with or without a placeholder for the tenant.
type key struct {
	jose.JSONWebKey
	issuer string // empty where it is not restricted
}

// checkIssuer refuses a token from another issuer than the key is for, where one set has the keys of many tenants.
func (k key) checkIssuer(c claims, m *metadata) error {
	if m.tenants == nil || k.issuer == "" {
		return nil
	}
	issuer, err := m.issuerOf(c)
	if err != nil {
		return err
	}
	tid, _ := c.text("tid") // issuerOf has seen that it is text
	if strings.Replace(k.issuer, tenantMark, tid, 1) != issuer {
		return fmt.Errorf("%w: signed with a key that is not for its issuer", ErrToken)
	}
	return nil
}

// parseKey reads one key of a set: its parameters and what it is for (RFC 7517, 4; RFC 7518, 6; RFC 8037, 2). Everything
// else is ignored, certificates above all: the library refuses a key whose certificate Go cannot parse, and none is
// needed to verify a signature.
func parseKey(raw json.RawMessage) (parsed key, ok bool) {
	var given jsonObject
	if err := json.Unmarshal(raw, &given); err != nil || !verifies(given) {
		return parsed, false
	}
	needed := jsonObject{}
	for _, name := range []string{"kty", "kid", "use", "alg", "crv", "n", "e", "x", "y", "d"} { // d shows that it is private
		if value, there := given[name]; there {
			needed[name] = unpadded(name, value)
		}
	}
	text, err := json.Marshal(needed)
	if err != nil || json.Unmarshal(text, &parsed.JSONWebKey) != nil {
		return parsed, false
	}
	if issuer, there := given["issuer"]; there && json.Unmarshal(issuer, &parsed.issuer) != nil {
		return parsed, false
	}
	return parsed, usable(parsed.JSONWebKey)
}

// unpadded writes the numbers of a key as RFC 7518, section 6, requires: some providers pad them, or use the standard
// alphabet of base64, and the library refuses both.
func unpadded(name string, value json.RawMessage) json.RawMessage {
	switch name {
	case "n", "e", "x", "y":
		var text string
		if json.Unmarshal(value, &text) != nil {
			return value
		}
		text = strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(text, "="))
		if written, err := json.Marshal(text); err == nil {
			return written
		}
	}
	return value
}

// usable accepts public keys for signatures. A symmetric key has no place in a public set.
func usable(key jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || !key.Valid() || !key.IsPublic() {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= minRSA
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	default:
		return false
	}
}

// verifies reports whether a key is not restricted to other operations (RFC 7517, 4.3), which the library ignores.
func verifies(key jsonObject) bool {
	said, there := key["key_ops"]
	if !there {
		return true
	}
	var operations []string
	err := json.Unmarshal(said, &operations)
	return err == nil && (operations == nil || slices.Contains(operations, "verify"))
}

func fits(k key, alg string) bool {
	switch k.Key.(type) {
	case *rsa.PublicKey:
		return alg[:2] == "RS" || alg[:2] == "PS"
	case *ecdsa.PublicKey:
		return alg[:2] == "ES"
	case ed25519.PublicKey:
		return alg == string(jose.EdDSA)
	default:
		return false
	}
}
