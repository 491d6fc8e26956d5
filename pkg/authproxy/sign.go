package authproxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// signer signs what a browser keeps for us for a while. What was signed for one purpose is good for no other.
type signer struct {
	keys [][]byte // the first signs, all verify
	now  func() time.Time
}

// newSigner derives the signing keys, so that AUTH_SECRET itself is used for nothing else.
func newSigner(secrets []Secret, own []byte, now func() time.Time) *signer {
	s := &signer{now: now}
	for _, secret := range secrets {
		key := derive([]byte(secret.Reveal()), labelSigner)
		s.keys = append(s.keys, key[:])
	}
	if len(s.keys) == 0 {
		s.keys = [][]byte{own}
	}
	return s
}

// sign returns value, its expiry and a signature, made of characters that a cookie and a form field can hold as
// long as value is.
func (s *signer) sign(purpose, value string, valid time.Duration) string {
	body := value + "." + strconv.FormatInt(s.now().Add(valid).Unix(), 36)
	return body + "." + s.mac(s.keys[0], purpose, body)
}

// verify returns the value of what sign made for the same purpose, unless it has expired.
func (s *signer) verify(purpose, signed string) (value string, ok bool) {
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

func (*signer) mac(key []byte, purpose, body string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(purpose))
	mac.Write([]byte{0})
	mac.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
