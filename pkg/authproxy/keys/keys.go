// Package keys derives the keys of the login from a project's secrets, and signs what a browser keeps for the proxy. It
// does not know where secrets come from.
package keys

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Derive returns the key that a secret gives for one purpose, so that the secret itself is used for nothing else and no
// key tells anything about another. It is HMAC-SHA-256 of the label.
func Derive(secret []byte, label string) [sha256.Size]byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(label))
	return [sha256.Size]byte(mac.Sum(nil))
}
