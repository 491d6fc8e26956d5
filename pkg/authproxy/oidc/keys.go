package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How often a provider's keys are fetched.
const (
	keysFresh   = time.Hour        // used without asking again, so that a withdrawn key does not live on
	keysStale   = 24 * time.Hour   // used where asking again fails
	fetchWindow = 30 * time.Second // in which unknown key ids, or failures,
	fetchBurst  = 3                // lead to this many fetches at most (security class 11)
	maxKeys     = 1024             // of a set; providers for many tenants list the keys of all
	maxTried    = 64               // of them for one token
	minRSA      = 2048             // bits of an RSA key
)

// key is a public key. Entra ID says of which issuer's tokens it is, with the tenant left open or not.
type key struct {
	jose.JSONWebKey
	issuer string // empty where nothing is said
}

// checkIssuer refuses a token of another issuer than the key is for, where one set has keys for many tenants.
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

// keySet caches a provider's public keys.
type keySet struct {
	call caller
	now  func() time.Time

	mu      semaphore // held while keys are fetched: whoever waits for it profits from the answer
	address string
	keys    []key
	fetched time.Time
	recent  []time.Time // fetches of the last fetchWindow
}

// semaphore is a mutex for which nobody has to wait longer than they want.
type semaphore chan struct{}

func newKeySet(call caller, now func() time.Time) *keySet {
	return &keySet{call: call, now: now, mu: make(semaphore, 1)}
}

// candidates returns the keys that a token with this key id and algorithm may be signed with, and whether they
// have just been fetched. An id that is not known makes the set be fetched anew once, unless that has happened too
// often lately: keys rotate. So does again, for when a known key does not fit the signature: some providers give
// a new key the old id, or none.
func (k *keySet) candidates(ctx context.Context, address, kid, alg string, again bool) ([]key, bool, error) {
	select {
	case k.mu <- struct{}{}:
		defer func() { <-k.mu }()
	case <-ctx.Done():
		return nil, false, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
	now := k.now()
	if k.address != address {
		k.address, k.keys, k.recent = address, nil, nil
	}
	matching := k.matching(kid, alg)
	age := now.Sub(k.fetched)
	if len(matching) > 0 && age < keysFresh && !again {
		return matching, false, nil
	}
	if !k.mayFetch(now) {
		if len(matching) > 0 && age < keysStale {
			return matching, false, nil
		}
		if len(k.keys) == 0 {
			return nil, false, fmt.Errorf("%w: its keys could not be fetched", ErrUnavailable)
		}
		return nil, false, fmt.Errorf("%w: signed with an unknown key", ErrToken)
	}
	// What is fetched serves everybody: a visitor who leaves does not stop it. It is bounded in time all the same.
	keys, err := k.fetch(context.WithoutCancel(ctx))
	switch {
	case err == nil:
		k.keys, k.fetched = keys, now
	case len(matching) > 0 && age < keysStale:
		return matching, true, nil
	default:
		return nil, false, err
	}
	if matching = k.matching(kid, alg); len(matching) == 0 {
		return nil, true, fmt.Errorf("%w: signed with an unknown key", ErrToken)
	}
	return matching, true, nil
}

// mayFetch counts a fetch, unless there have been too many.
func (k *keySet) mayFetch(now time.Time) bool {
	kept := k.recent[:0]
	for _, t := range k.recent {
		if age := now.Sub(t); age >= 0 && age < fetchWindow {
			kept = append(kept, t)
		}
	}
	k.recent = kept
	if len(kept) >= fetchBurst {
		return false
	}
	k.recent = append(k.recent, now)
	return true
}

// fetch returns the usable keys of the set. Keys of a kind that is not known are left out, not an error:
// providers add new kinds beside the old.
func (k *keySet) fetch(ctx context.Context) ([]key, error) {
	var set members
	if err := k.call.get(ctx, k.address, &set); err != nil {
		return nil, err
	}
	var listed []json.RawMessage // nil where there is something else
	_ = json.Unmarshal(set["keys"], &listed)
	var keys []key
	for _, raw := range listed {
		if parsed, ok := parseKey(raw); ok && len(keys) < maxKeys {
			keys = append(keys, parsed)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%w: %s lists no usable key", ErrUnavailable, k.address)
	}
	return keys, nil
}

// parseKey reads one key of a set: the members that make it and those that say what it is for (RFC 7517, 4; RFC 7518,
// 6; RFC 8037, 2). Everything else, certificates above all, is passed over: the library refuses a whole key for a
// certificate that Go does not like, and none is needed to verify a signature.
func parseKey(raw json.RawMessage) (parsed key, ok bool) {
	var given members
	if err := json.Unmarshal(raw, &given); err != nil || !verifies(given) {
		return parsed, false
	}
	needed := members{}
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

// unpadded writes the numbers of a key as RFC 7518, section 6, wants them: some providers pad them, or use the alphabet
// of plain base64, and the library refuses both.
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

// verifies reports whether a key is not kept for other operations (RFC 7517, 4.3), which the library passes over.
func verifies(key members) bool {
	said, there := key["key_ops"]
	if !there {
		return true
	}
	var operations []string
	err := json.Unmarshal(said, &operations)
	return err == nil && (operations == nil || slices.Contains(operations, "verify"))
}

// matching returns the keys for a key id, or for any where a token names none, that fit the algorithm: maxTried at most.
func (k *keySet) matching(kid, alg string) []key {
	var found []key
	for _, key := range k.keys {
		if (kid == "" || key.KeyID == kid) && (key.Algorithm == "" || key.Algorithm == alg) && fits(key, alg) && len(found) < maxTried {
			found = append(found, key)
		}
	}
	return found
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
