// Package password checks user names and passwords: in constant time, once per credential rather than per
// request, and slowly for clients that guess. It must not know HTTP beyond the Basic scheme, nor what it protects.
package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

// DefaultCost is the bcrypt cost: some 50 ms of one core for a guess.
const DefaultCost = 10

// maxHashed is the length in bytes of the longest password of a given hash: bcrypt reads no more, so that anything could
// be appended to it.
const maxHashed = 72

// verifier knows one credential without keeping its password.
type verifier struct {
	name string // as configured
	key  []byte // of digests; nil where the hash was given
	hash []byte
	cost int // of the hash
}

func newVerifier(login Login, key []byte, cost int) (*verifier, error) {
	v := &verifier{name: login.Name, key: key, cost: cost}
	hash, err := bcrypt.GenerateFromPassword(v.input(norm.NFC.String(login.Password)), cost)
	if err != nil {
		return nil, fmt.Errorf("hash the password of %s: %w", login.Scope, err)
	}
	v.hash = hash
	return v, nil
}

func newHashedVerifier(login Hashed) (*verifier, error) {
	cost, err := bcrypt.Cost([]byte(login.Hash))
	if err != nil {
		return nil, fmt.Errorf("the hash of a password of %s: %w", login.Scope, err)
	}
	return &verifier{name: login.Name, hash: []byte(login.Hash), cost: cost}, nil
}

// input is what is hashed. A digest makes any password fit bcrypt, which reads 72 bytes and, in some implementations,
// stops at a NUL; a given hash was computed from the password itself.
func (v *verifier) input(password string) []byte {
	if v.key == nil {
		return []byte(password)
	}
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(password))
	return base64.RawStdEncoding.AppendEncode(nil, mac.Sum(nil))
}

// verifiers are the credentials of one scope.
type verifiers struct {
	byName map[string]*verifier // in Unicode's form NFC
	colons []string             // those of the names that have a colon
	dummy  *verifier            // for names that nobody has
	cost   int                  // the highest
}

func newVerifiers() *verifiers { return &verifiers{byName: map[string]*verifier{}} }

func (all *verifiers) add(v *verifier) {
	name := norm.NFC.String(v.name)
	all.byName[name] = v
	if strings.Contains(name, ":") {
		all.colons = append(all.colons, name)
	}
	if v.cost > all.cost {
		all.cost, all.dummy = v.cost, v
	}
}

// check takes a name and a password in NFC. It takes as long for an unknown name as for a wrong password,
// whosever it is: the hash is computed in any case, by compare, and a cheap one is followed by others.
func (all *verifiers) check(name, password string, compare func(hash, password []byte) error) bool {
	v, known := all.byName[name]
	if !known {
		v = all.dummy
	}
	input := v.input(password)
	fits := len(input) <= maxHashed
	right := compare(v.hash, input[:min(len(input), maxHashed)]) == nil
	for cost := v.cost; cost < all.cost; cost++ { // each step of the cost doubles the work
		_ = compare(fakeHash(cost), input[:min(len(input), maxHashed)])
	}
	return known && fits && right
}

// fakeHash is a hash of nothing.
func fakeHash(cost int) []byte { return fmt.Appendf(nil, "$2a$%02d$%s", cost, strings.Repeat(".", 53)) }

// displayName is a name as it was configured; name is in NFC.
func (all *verifiers) displayName(name string) string {
	if v := all.byName[name]; v != nil {
		return v.name
	}
	return name
}

// split cuts "name:password" behind the name, which may hold colons itself where it is known.
func (all *verifiers) split(userPass string) (name, password string) {
	for _, known := range all.colons {
		if name, password = split(userPass, known); name == known {
			return name, password
		}
	}
	return split(userPass, "")
}
