// Package session keeps what a login has proved: server-side sessions behind an opaque id, with an idle and an
// absolute lifetime. It must not know how anybody logs in, nor what a session is allowed to see.
package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// ErrNotFound is returned for a session that never was, has ended or has expired.
var ErrNotFound = errors.New("session not found")

// IDSize is the number of random bytes in a session id.
const IDSize = 32

// ID is what the browser keeps, in base64url without padding. It never goes into a store or a log.
type ID string

// Key is what a store keeps in place of the ID: a digest, so that a stolen store opens no session.
type Key [sha256.Size]byte

// idLength is IDSize in base64url.
const idLength = (IDSize*8 + 5) / 6

// NewID draws an id from random.
func NewID(random io.Reader) (ID, error) {
	var b [IDSize]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return ID(base64.RawURLEncoding.EncodeToString(b[:])), nil
}

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
func (id ID) Key(secret *[sha256.Size]byte) Key {
	var b [sha256.Size + idLength]byte
	copy(b[:], secret[:])
	copy(b[sha256.Size:], id)
	return sha256.Sum256(b[:])
}

// Session is what one browser has proved. A session that a store has returned is shared: do not change it. All texts in
// it are UTF-8.
type Session struct {
	Key     Key
	Tags    []string // what it has in common with others, for ending them all: whose it is, the provider's session
	Grants  []Grant
	Created time.Time
	Idle    time.Duration // ends this long after its last use
	Expires time.Time     // ends then, used or not
}

// Grant opens one area to one identity.
type Grant struct {
	Area     string
	Identity identity.Identity
	Stamp    string // of the credential that was shown, opaque; what it no longer fits to is worth nothing
	Login    *Login // what a provider said; nil after a password
}

// Login is what a provider said about somebody, as far as it is needed after the login.
type Login struct {
	Provider      string // name and issuer of the provider, opaque
	Email         string
	EmailVerified bool
	Claims        map[string][]string // those that access rules name
	RefreshToken  string              // empty where there is none
	TokensExpire  time.Time           // of the access token; zero where nothing says so
}

// In returns the identity that s grants in area, or nil.
func (s *Session) In(area string) *identity.Identity {
	if g := s.Grant(area); g != nil {
		return &g.Identity
	}
	return nil
}

// Grant returns what opens area, or nil.
func (s *Session) Grant(area string) *Grant {
	for i := range s.Grants {
		if s.Grants[i].Area == area {
			return &s.Grants[i]
		}
	}
	return nil
}

// Looker is a Store that can be asked about a session without this counting as a use, so that what nobody uses any more
// ends all the same.
type Looker interface {
	// Look is Store.Use, but for the note of a use.
	Look(ctx context.Context, key Key, now time.Time) (*Session, error)
}

// Claimer is a Store that several processes share. What is good once, such as a refresh token, one of them uses.
type Claimer interface {
	// Claim reports whether this process may renew what the session of key holds: no other has claimed that lately. It
	// keeps the others off until then.
	Claim(ctx context.Context, key Key, now, until time.Time) (bool, error)
}

// Store keeps sessions. All methods are safe for concurrent use. Every store passes sessiontest.Run.
type Store interface {
	// Put adds s, whose key is new, or changes the session of that key where replaces is the same key. Where
	// replaces is not zero s takes its place, as used as that was; ErrNotFound where that has ended meanwhile,
	// and then nothing is added: what was logged out never comes back. Else s counts as used at s.Created.
	Put(ctx context.Context, s *Session, replaces Key) error
	// Use returns the session of key if it is alive at now, and notes that it was used then. It never brings
	// back a session that was deleted meanwhile. ErrNotFound where there is none.
	Use(ctx context.Context, key Key, now time.Time) (*Session, error)
	// Delete ends a session; no error where there is none.
	Delete(ctx context.Context, key Key) error
	// DeleteTagged ends every session that has the tag and returns their keys.
	DeleteTagged(ctx context.Context, tag string) ([]Key, error)
}
