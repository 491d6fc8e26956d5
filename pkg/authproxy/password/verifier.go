// Package password checks user names and passwords: in constant time, once per credential rather than per
// request, and slowly for whoever guesses. It must not know HTTP beyond the Basic scheme, nor what it protects.
package password

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

// DefaultCost is the bcrypt cost: some 50 ms of one core for a guess.
const DefaultCost = 10

// verifier knows one credential without keeping its password.
type verifier struct {
	name   string // as configured
	normal string // the name in Unicode's form NFC
	key    []byte
	hash   []byte
}

func newVerifier(login Login, key []byte, cost int) (*verifier, error) {
	v := &verifier{name: login.Name, normal: norm.NFC.String(login.Name), key: key}
	hash, err := bcrypt.GenerateFromPassword(v.digest(norm.NFC.String(login.Password)), cost)
	if err != nil {
		return nil, fmt.Errorf("hash the password of %s: %w", login.Area, err)
	}
	v.hash = hash
	return v, nil
}

// digest makes any password fit bcrypt, which reads 72 bytes and, in some implementations, stops at a NUL.
func (v *verifier) digest(password string) []byte {
	mac := hmac.New(sha256.New, v.key)
	mac.Write([]byte(password))
	return base64.RawStdEncoding.AppendEncode(nil, mac.Sum(nil))
}

// check takes a name and a password in NFC, and as long for an unknown name as for a wrong password: the hash is
// computed in any case, by compare, and the names are compared by digests of one length.
func (v *verifier) check(name, password string, compare func(hash, password []byte) error) bool {
	sameName := subtle.ConstantTimeCompare(v.digest(name), v.digest(v.normal)) == 1
	samePassword := compare(v.hash, v.digest(password)) == nil
	return sameName && samePassword
}
