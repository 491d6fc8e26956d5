package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
)

// IDSize is the number of random bytes in a session id.
const IDSize = 32

// ID is the value of the session cookie, in base64url without padding. It is never stored or logged.
type ID string

// Key identifies a session in a store. It is a digest of the ID, so that a stolen store does not reveal ids.
type Key [sha256.Size]byte

// Secret is part of every key: without it, an id does not find its session.
type Secret [sha256.Size]byte

// idLength is IDSize in base64url.
const idLength = (IDSize*8 + 5) / 6

// NewID returns a random id.
func NewID(random io.Reader) (ID, error) {
	var b [IDSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return newID(b[:]), nil
}

func newID(b []byte) ID { return ID(base64.RawURLEncoding.EncodeToString(b)) }

// ParseID reads the value of a cookie. It accepts only the form that NewID writes.
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

// Key returns the key of the session. Secret and id have fixed lengths, so that hashing their concatenation is as good as an
// HMAC.
func (id ID) Key(secret *Secret) Key {
	var b [sha256.Size + idLength]byte
	copy(b[:], secret[:])
	copy(b[sha256.Size:], id)
	return sha256.Sum256(b[:])
}

// successor returns the id after a rotation. Every process that shares the store derives the same one from the cookie that
// a browser sends. It takes all three: the former id, which is not in the store; the nonce, which is only in the store, and
// only while the former id is valid; and the secret.
func (id ID) successor(secret *Secret, nonce *[32]byte) ID {
	mac := hmac.New(sha256.New, secret[:])
	mac.Write([]byte("ploomber-cloud session rotation 1"))
	mac.Write(nonce[:])
	mac.Write([]byte(id))
	return newID(mac.Sum(nil))
}
