package cloudapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
)

// ErrUnproven means that what answers does not know the key.
var ErrUnproven = errors.New("proof that does not fit the key")

// proofContext keeps a proof from being taken for anything else that is computed with the hash of a key.
const proofContext = "ploomber-cloud platform proof\n"

// nonceSize is the number of random bytes that a proof answers to.
const nonceSize = 32

// ProofKey is what a platform has to keep of an API key in order to prove that it knows the key.
func ProofKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// Proof answers to a nonce: base64url, without padding, of an HMAC-SHA256 over the platform's base URL and the nonce.
// base is scheme://host:port without a slash at the end. A server passes the address that it listens on, never the Host
// header of the request: otherwise a program on another port could have a nonce answered by the real platform.
func Proof(key [sha256.Size]byte, base, nonce string) string {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(proofContext + base + "\n" + nonce))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ValidNonce reports whether nonce is what Prove sends: 32 bytes as base64url without padding.
func ValidNonce(nonce string) bool {
	data, err := base64.RawURLEncoding.DecodeString(nonce)
	return err == nil && len(data) == nonceSize
}

// ProofReply is the reply of GET /api/v1/proof?nonce=NONCE, which needs no key.
type ProofReply struct {
	Proof string `json:"proof"`
}

// Prove makes the platform at o.BaseURL prove that it knows o.Key, without sending the key. Another user of this machine
// can listen on the port of a platform that is down; that program must not be given the key. ErrUnproven means that
// the proof is wrong; other errors are those of a request.
func Prove(ctx context.Context, o Options) error {
	key := o.Key
	if err := checkKey(key); err != nil {
		return err
	}
	c := anonymous(o)
	random := make([]byte, nonceSize)
	_, _ = rand.Read(random) // never fails
	nonce := base64.RawURLEncoding.EncodeToString(random)
	q := call{method: http.MethodGet, path: "/api/v1/proof", query: url.Values{"nonce": {nonce}}, repeat: careful}
	var reply ProofReply
	if err := c.do(ctx, q, &reply); err != nil {
		return err
	}
	if !hmac.Equal([]byte(reply.Proof), []byte(Proof(ProofKey(key), c.base.String(), nonce))) {
		return &Error{
			Status: http.StatusOK, Method: q.method, Path: q.path, kind: ErrUnproven,
			msg: c.clean("the program that answers at " + c.base.Host + " is not the platform that the key belongs to"),
		}
	}
	return nil
}
