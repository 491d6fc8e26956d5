package devidp

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// How long things last, and how many of each are kept.
const (
	requestLife = 15 * time.Minute // of a login page
	codeLife    = time.Minute
	tokenLife   = time.Hour // of access and ID tokens
	sessionLife = 12 * time.Hour
	limit       = 1000
)

// session is a user who is logged in here, known by a cookie.
type session struct {
	user User
	id   string // in ID tokens as sid; the cookie's value is another, and secret
	at   time.Time
}

// grant is what one login lets the application have, from its code to its last refresh token.
type grant struct {
	session  session
	scopes   []string
	audience string // of the access token; empty makes one that only our userinfo endpoint understands
}

// code is a grant that the application has not redeemed yet.
type code struct {
	grant
	redirectURI, challenge, nonce string
}

// store is everything that the provider knows for a while, in memory.
type store struct {
	now    func() time.Time
	random io.Reader
	users  []User

	mu         sync.Mutex // makes one step of reading and changing
	redirects  []string
	postLogout []string
	requests   *expiring.Map[string, request] // by id: login pages that are open
	codes      *expiring.Map[string, code]
	access     *expiring.Map[string, grant]   // by access token
	refresh    *expiring.Map[string, grant]   // by refresh token
	sessions   *expiring.Map[string, session] // by the cookie's value
	loggedOut  *expiring.Map[string, bool]    // by the session's id: its grants have ended too
}

func newStore(o Options) *store {
	return &store{
		now: o.Now, random: o.Random, users: slices.Clone(o.Users),
		requests: expiring.New[string, request](limit), codes: expiring.New[string, code](limit),
		access: expiring.New[string, grant](limit), refresh: expiring.New[string, grant](limit),
		sessions: expiring.New[string, session](limit), loggedOut: expiring.New[string, bool](limit),
	}
}

// newToken returns what nobody can guess.
func newToken(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func (s *store) register(redirects, postLogout []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redirects, s.postLogout = redirects, postLogout
}

// isRedirect reports whether a login may return to the address.
func (s *store) isRedirect(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.redirects, address)
}

// isPostLogout reports whether a logout may return to the address.
func (s *store) isPostLogout(address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.postLogout, address)
}

// user returns the user with this e-mail, or a new one: anybody may log in.
func (s *store) user(email string) (User, error) {
	for _, u := range s.users {
		if strings.EqualFold(u.Email, email) {
			return u, nil
		}
	}
	return User{Email: email}, checkEmail(email)
}

// take returns a value and removes it, as what it is the name of is good once.
func take[V any](s *store, m *expiring.Map[string, V], name string) (V, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := m.Get(name, s.now())
	m.Delete(name)
	return value, ok
}

// putNew keeps a value under a new name.
func putNew[V any](s *store, m *expiring.Map[string, V], value V, life time.Duration) (name string, err error) {
	if name, err = newToken(s.random); err == nil {
		m.Put(name, value, s.now(), life)
	}
	return name, err
}

// logIn starts a session that replaces the browser's old one. Grants of the old session stay valid, since an
// application may still be using them. The cookie's value is always new.
func (s *store) logIn(u User, old string) (cookie string, started session, err error) {
	id, err := newToken(s.random)
	if err != nil {
		return "", session{}, err
	}
	started = session{user: u, id: id, at: s.now()}
	cookie, err = putNew(s, s.sessions, started, sessionLife)
	s.sessions.Delete(old)
	return cookie, started, err
}

// logOut ends a session, identified by its cookie, its id or both, with all its grants.
func (s *store) logOut(cookie, id string) {
	if known, ok := take(s, s.sessions, cookie); ok {
		s.loggedOut.Put(known.id, true, s.now(), sessionLife)
	}
	if id != "" {
		s.loggedOut.Put(id, true, s.now(), sessionLife)
	}
}

// session returns the session of a cookie.
func (s *store) session(cookie string) (session, bool) {
	found, ok := s.sessions.Get(cookie, s.now())
	return found, ok && s.isLive(found)
}

func (s *store) isLive(x session) bool {
	_, ended := s.loggedOut.Get(x.id, s.now())
	return !ended
}
