// Package session keeps what a login has proved: server-side sessions behind an opaque id, with an idle and an
// absolute lifetime. It must not know how anybody logs in, nor what a session is allowed to see, nor HTTP.
package session

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
)

// ErrNotFound is returned for a session that never was, has ended or has expired.
var ErrNotFound = errors.New("session not found")

// Session is what one browser has proved. A session that a store has returned is shared: do not change it. All texts in
// it are UTF-8.
type Session struct {
	Key     Key
	Version int64    // grows by one with every change
	Tags    []string // what it has in common with others, for ending them all: whose it is, the provider's session
	Grants  []Grant
	Created time.Time
	Idle    time.Duration // ends this long after its last use
	Expires time.Time     // ends then, used or not

	Former      []Former // keys that it had before its latest rotations, the latest last
	RotationDue bool     // the next response should carry a new id
}

// Former is a key that a session had before a rotation. Until then it still leads to the session, for requests that
// were in flight and for browsers that have not received the new cookie. See ID.successor for the use of Nonce.
type Former struct {
	Key   Key
	Nonce [32]byte // zero where the id has stayed the same, and only the secret behind the key has changed
	Until time.Time
}

// Grant opens one area to one identity.
type Grant struct {
	Area        string
	Identity    identity.Identity
	Fingerprint string // of the credential that was shown, opaque; the grant is worth nothing once that has changed
	Login       *Login // what a provider said; nil after a password
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

// Clone returns a copy whose grants can be replaced. What they point to is shared.
func (s *Session) Clone() *Session {
	next := *s
	next.Grants = slices.Clone(s.Grants)
	return &next
}

// Accepts reports whether key leads to s at now: as its key, or as a former one that is still good.
func (s *Session) Accepts(key Key, now time.Time) bool {
	return key == s.Key || slices.ContainsFunc(s.Former, func(f Former) bool { return f.Key == key && now.Before(f.Until) })
}

// Store keeps sessions. All methods are safe for concurrent use, by several processes too where they share the store.
// Every store passes sessiontest.Run.
//
// Where a method takes a key, a former key of the session (Session.Former) is as good as the present one.
type Store interface {
	// Create adds a session whose key is new. It counts as used at s.Created.
	Create(ctx context.Context, s *Session) error

	// Use returns the session of key if it is alive at now, and notes that it was used then. It never brings back a
	// session that was deleted meanwhile. ErrNotFound where there is none.
	Use(ctx context.Context, key Key, now time.Time) (*Session, error)

	// Look is Use, but does not count as a use: what nobody uses any more ends all the same.
	Look(ctx context.Context, key Key, now time.Time) (*Session, error)

	// Replace puts next in place of old, in one step and as used as that was. next has the version after old's. A
	// rotation is a next with another key that lists old's as a former one; a former key that next does not list leads
	// nowhere from then on. It returns the session that is stored afterwards: next or, where another change was faster,
	// the outcome of that one. ErrNotFound where the session has ended; it never comes back.
	Replace(ctx context.Context, old, next *Session) (*Session, error)

	// Claim reserves something that can be done only once, such as spending the refresh token of a session, until a
	// time. It is true unless another owner has claimed the same and that time has not come, whatever has replaced the
	// session since. It returns the session as it is stored at this moment, which tells whether another owner has been
	// there before. ErrNotFound as in Use.
	Claim(ctx context.Context, key Key, owner Owner, now, until time.Time) (*Session, bool, error)

	// Delete ends a session. It returns the key that the session had, none where there is no session. On error it has
	// ended the session for this process at least, if it could find it.
	Delete(ctx context.Context, key Key) ([]Key, error)

	// DeleteTagged ends every session that has the tag and returns their keys. On error as Delete.
	DeleteTagged(ctx context.Context, tag string) ([]Key, error)
}

// Owner tells those apart who claim something. It is random.
type Owner [16]byte
