package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
)

// IDSize is the number of random bytes in a session id.
const IDSize = 32

// ID is what the browser keeps, in base64url without padding. It never goes into a store or a log.
type ID string

// Key is what a store keeps in place of the ID: a digest, so that a stolen store opens no session.
type Key [sha256.Size]byte

// Secret binds keys to a deployment: without it no id leads to a session.
type Secret [sha256.Size]byte

// idLength is IDSize in base64url.
const idLength = (IDSize*8 + 5) / 6

// NewID draws an id from random.
func NewID(random io.Reader) (ID, error) {
	var b [IDSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return newID(b[:]), nil
}

func newID(b []byte) ID { return ID(base64.RawURLEncoding.EncodeToString(b)) }

// ParseID reads what a cookie holds. Anything but the spelling that NewID writes is refused.
func ParseID(s string) (ID, bool) {
	if len(s) != idLength {
		return "", false
	}
	for i := 0; i < len(s); i++ {
		if !isBase64URL(s[i]) {
			return "", false
		}
	}
	return ID(s), true
}

func isBase64URL(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// Key returns the name of the session in a store to which only the holder of secret can find the way. Both
// parts have one length, so that hashing them in a row is as good as an HMAC.
func (id ID) Key(secret *Secret) Key {
	var b [sha256.Size + idLength]byte
	copy(b[:], secret[:])
	copy(b[sha256.Size:], id)
	return sha256.Sum256(b[:])
}

// successor returns the id that follows id in a rotation. Every process that shares the store finds the same one from
// the cookie that a browser sends, and nobody can who lacks one of the three: the former id, which the store does not
// hold; the nonce, which only the store holds, and no longer than the former id is good; the secret.
func (id ID) successor(secret *Secret, nonce *[32]byte) ID {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte("ploomber-cloud session rotation 1"))
	mac.Write(nonce[:])
	mac.Write([]byte(id))
	return newID(mac.Sum(nil))
}
