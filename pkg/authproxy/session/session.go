// Package session keeps server-side sessions behind opaque ids, with an idle and an absolute lifetime. It does not know how
// users log in, what a session gives access to, or HTTP.
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

// Session is the state of one browser that has logged in. A session that a store has returned is shared and must not be
// changed. All texts in it are UTF-8.
type Session struct {
	Key     Key
	Version int64    // incremented by every change
	Tags    []string // for ending several sessions at once: the user, the session at the provider
	Grants  []Grant
	Created time.Time
	Idle    time.Duration // the session expires this long after its last use
	Expires time.Time     // the session expires then, used or not

	Former      []Former // keys before the latest rotations, the latest last
	RotationDue bool     // the next request should rotate the session
}

// Former is a key that a session had before a rotation. Until its time it still finds the session, for requests in flight
// and for browsers that have not received the new cookie. See ID.successor for the purpose of Nonce.
type Former struct {
	Key   Key
	Nonce [32]byte // zero if only the secret has changed, and not the id
	Until time.Time
}

// Grant gives one identity access to one protected scope.
type Grant struct {
	Scope       string
	Identity    identity.Identity
	Fingerprint string // of the credential; the grant becomes invalid when it changes
	Login       *Login // nil after a password login
}

// Login is the part of a login at a provider that is needed afterwards.
type Login struct {
	Provider      string // identifies the provider, opaque
	Email         string
	EmailVerified bool
	Claims        map[string][]string // those that access rules refer to
	RefreshToken  string              // may be empty
	TokensExpire  time.Time           // expiry of the access token; zero if unknown
}

// In returns the identity that s grants for a scope, or nil.
func (s *Session) In(scope string) *identity.Identity {
	if g := s.Grant(scope); g != nil {
		return &g.Identity
	}
	return nil
}

// Grant returns the grant for a scope, or nil.
func (s *Session) Grant(scope string) *Grant {
	for i := range s.Grants {
		if s.Grants[i].Scope == scope {
			return &s.Grants[i]
		}
	}
	return nil
}

// Clone returns a copy with a slice of grants of its own. What the grants point to is shared.
func (s *Session) Clone() *Session {
	next := *s
	next.Grants = slices.Clone(s.Grants)
	return &next
}

// Accepts reports whether key is the key of s, or a former key that is still valid at now.
func (s *Session) Accepts(key Key, now time.Time) bool {
	return key == s.Key || slices.ContainsFunc(s.Former, func(f Former) bool { return f.Key == key && now.Before(f.Until) })
}

// Store keeps sessions. All methods are safe for concurrent use, by several processes too where they share the store.
// Every store passes sessiontest.Run.
//
// A method that takes a key accepts a former key of the session (Session.Former) as well.
type Store interface {
	// Create adds a session with a new key. It counts as used at s.Created.
	Create(ctx context.Context, s *Session) error

	// Use returns the session of key if it is alive at now, and records the use. It never restores a session that is
	// deleted at the same time. The error is ErrNotFound if there is no such session.
	Use(ctx context.Context, key Key, now time.Time) (*Session, error)

	// Look is Use without recording a use, so that unused sessions still expire.
	Look(ctx context.Context, key Key, now time.Time) (*Session, error)

	// Replace atomically replaces old by next, which has the next version, and keeps the time of last use. For a
	// rotation, next has another key and lists the key of old as a former one; former keys that next does not list
	// become invalid. Replace returns the session that is stored afterwards: next, or the result of another change that
	// was faster. The error is ErrNotFound if the session has ended; Replace never restores it.
	Replace(ctx context.Context, old, next *Session) (*Session, error)

	// Claim reserves the session for an operation that must not be done twice, such as the use of a refresh token, until
	// a time. It returns false while another owner's claim lasts, even if the session is replaced meanwhile. It returns
	// the session as stored at this moment, which shows whether another owner has done it before. Errors as for Use.
	Claim(ctx context.Context, key Key, owner Owner, now, until time.Time) (*Session, bool, error)

	// Delete ends a session and returns the key that it had, or no key if there was no such session. On error, the
	// session has ended in this process if it could be found.
	Delete(ctx context.Context, key Key) ([]Key, error)

	// DeleteTagged ends all sessions with a tag and returns their keys. Errors as for Delete.
	DeleteTagged(ctx context.Context, tag string) ([]Key, error)
}

// Owner identifies a process, or a part of one, that claims sessions. It is random.
type Owner [16]byte
