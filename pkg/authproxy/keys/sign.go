package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// labelSigner keeps the signing key apart from other keys of the same secret.
const labelSigner = "ploomber-cloud authproxy signing key 1"

// Signer signs what a browser keeps for us for a while. What was signed for one purpose is valid for no other. It is
// safe for concurrent use.
type Signer struct {
	keys [][]byte // the first signs, all verify
	now  func() time.Time
}

// NewSigner returns a signer with a key for each secret, of which the first signs and all verify. Without a secret it
// signs with fallback.
func NewSigner(secrets []string, fallback []byte, now func() time.Time) *Signer {
	s := &Signer{now: now}
	for _, secret := range secrets {
		key := Derive([]byte(secret), labelSigner)
		s.keys = append(s.keys, key[:])
	}
	if len(s.keys) == 0 {
		s.keys = [][]byte{fallback}
	}
	return s
}

// Sign returns value, its expiry and a signature, made of characters that a cookie and a form field can hold as
// long as value is.
func (s *Signer) Sign(purpose, value string, valid time.Duration) string {
	body := value + "." + strconv.FormatInt(s.now().Add(valid).Unix(), 36)
	return body + "." + s.mac(s.keys[0], purpose, body)
}

// Verify returns the value of what Sign made for the same purpose, unless it has expired.
func (s *Signer) Verify(purpose, signed string) (value string, ok bool) {
	dot := strings.LastIndexByte(signed, '.')
	if dot < 0 {
		return "", false
	}
	body, mac := signed[:dot], signed[dot+1:]
	for _, key := range s.keys {
		ok = ok || hmac.Equal([]byte(mac), []byte(s.mac(key, purpose, body)))
	}
	dot = strings.LastIndexByte(body, '.')
	if !ok || dot < 0 {
		return "", false
	}
	until, err := strconv.ParseInt(body[dot+1:], 36, 64)
	if err != nil || s.now().Unix() >= until {
		return "", false
	}
	return body[:dot], true
}

func (*Signer) mac(key []byte, purpose, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
