package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

const (
	// LoginTime is how long a login may take, and the age to give to its cookie.
	LoginTime = 10 * time.Minute
	// CookiePrefix begins the name of every cookie that CookieName names.
	CookiePrefix = "ploomber_oidc_"
	// MaxReturnTo is the size in bytes of the longest address to return to.
	MaxReturnTo = 2 << 10

	maxName    = 64 // bytes
	maxBinding = 8  // bytes
)

// seed is the random part of a login, too long to guess. State, nonce and PKCE verifier are derived from it, so that the
// cookie needs to hold nothing else: a browser that restores its tabs begins dozens of logins at once.
type seed [16]byte

// text returns the value for one use, from which neither the seed nor the value for another use can be derived.
func (s seed) text(use string) string {
	sum := sha256.Sum256(append([]byte("ploomber-cloud oidc "+use+"\x00"), s[:]...))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// binding ties a transaction to the application at the provider that it was begun for (security class 12).
type binding [maxBinding]byte

func bindingOf(issuer, clientID string) binding {
	sum := sha256.Sum256([]byte(issuer + "\x00" + clientID))
	return binding(sum[:maxBinding])
}

// Transaction is one login in progress. It belongs to one browser, which keeps it, sealed, in a cookie: nothing is
// stored on the server before the user has logged in (security class 21).
type Transaction struct {
	seed               seed
	binding            binding
	expires            time.Time // whole milliseconds
	provider, returnTo string
}

func (t Transaction) state() string    { return t.seed.text("state") }
func (t Transaction) nonce() string    { return t.seed.text("nonce") }
func (t Transaction) verifier() string { return t.seed.text("verifier") }

// Provider is the name of the Provider that began the login, for finding it again at the callback.
func (t Transaction) Provider() string { return t.provider }

// ReturnTo is what Begin was given.
func (t Transaction) ReturnTo() string { return t.returnTo }

// Expires is when the login has taken too long, in whole milliseconds: LoginTime after its beginning.
func (t Transaction) Expires() time.Time { return t.expires }

// CookieName is CookieName of the state.
func (t Transaction) CookieName() string { return CookieName(t.state()) }

// Format keeps the seed out of whatever prints a Transaction, LogValue out of logs.
func (t Transaction) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// LogValue is for slog.
func (t Transaction) LogValue() slog.Value { return slog.StringValue("***") }

// CookieName names the cookie of the login whose state this is, so that any number of tabs log in side by side.
// The state may be anything: the name is CookiePrefix and 16 letters, digits, - and _.
func CookieName(state string) string {
	sum := sha256.Sum256([]byte(state))
	return CookiePrefix + base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Sealer encrypts transactions into cookie values and back. Only who knows the secret can make, change or read one. It is
// safe for concurrent use.
type Sealer struct {
	keys []cipher.AEAD // the first seals, all open
	now  func() time.Time
}

// purpose keeps what is sealed here apart from whatever else the same secrets protect.
const purpose = "ploomber-cloud oidc login transaction 1"

// NewSealer makes a Sealer from the secrets of AUTH_SECRET: the first seals, all open.
func NewSealer(secrets []string, now func() time.Time) (*Sealer, error) {
	s := &Sealer{now: now}
	if len(secrets) == 0 {
		return nil, errors.New("sealing logins needs a secret")
	}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, purpose, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		s.keys = append(s.keys, aead)
	}
	return s, nil
}

const (
	fixedSize = 1 + 8 + len(seed{}) + maxBinding + 1
	maxPlain  = fixedSize + maxName + MaxReturnTo
	maxSealed = (maxPlain + 28 + 2) / 3 * 4 // 28 for nonce and tag; some 3 of the 4 KB that a browser keeps
	version   = 3                           // of what is sealed
)

// Seal returns t in characters that a cookie can hold: some 80, and 4 for 3 bytes of the provider's name and of what
// Begin was given to return to.
func (s *Sealer) Seal(t Transaction) string {
	plain := make([]byte, 0, maxPlain)
	plain = append(plain, version)
	plain = binary.BigEndian.AppendUint64(plain, uint64(t.expires.UnixMilli()))
	plain = append(plain, t.seed[:]...)
	plain = append(plain, t.binding[:]...)
	plain = append(plain, byte(len(t.provider)))
	plain = append(plain, t.provider...)
	plain = append(plain, t.returnTo...)
	return base64.RawURLEncoding.EncodeToString(s.keys[0].Seal(nil, nil, plain, []byte(purpose)))
}

// Open returns what Seal made of a transaction. The error wraps ErrTransaction: the value is not ours, or ErrExpired.
func (s *Sealer) Open(sealed string) (Transaction, error) {
	if len(sealed) > maxSealed || strings.ContainsAny(sealed, "\r\n") { // which the decoder passes over
		return Transaction{}, ErrTransaction
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return Transaction{}, ErrTransaction
	}
	for _, key := range s.keys {
		plain, err := key.Open(nil, nil, raw, []byte(purpose))
		if err != nil {
			continue
		}
		t, err := parseTransaction(plain)
		if err == nil && !s.now().Before(t.expires) {
			err = ErrExpired
		}
		if err != nil {
			return Transaction{}, err
		}
		return t, nil
	}
	return Transaction{}, ErrTransaction
}

func parseTransaction(plain []byte) (Transaction, error) {
	var t Transaction
	const fixed = fixedSize
	if len(plain) < fixed || len(plain) > maxPlain || plain[0] != version {
		return Transaction{}, ErrTransaction
	}
	name := int(plain[fixed-1])
	if name > maxName || len(plain) < fixed+name || len(plain)-fixed-name > MaxReturnTo {
		return Transaction{}, ErrTransaction
	}
	t.expires = time.UnixMilli(int64(binary.BigEndian.Uint64(plain[1:])))
	rest := plain[9:]
	rest = rest[copy(t.seed[:], rest):]
	copy(t.binding[:], rest)
	t.provider, t.returnTo = string(plain[fixed:fixed+name]), string(plain[fixed+name:])
	return t, nil
}
