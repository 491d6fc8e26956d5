package devidp

import (
	"context"
	"crypto/rsa"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// How long things last, and how many are kept.
const (
	requestLife = 15 * time.Minute // of a login page
	codeLife    = time.Minute
	tokenLife   = time.Hour // of access and ID tokens
	sessionLife = 12 * time.Hour
	most        = 1000
)

const scopeGroups = "groups"

// store is everything the provider knows, in memory.
type store struct {
	drawer
	now    func() time.Time
	users  []User
	secret string
	key    *rsa.PrivateKey
	keyID  string

	mu       sync.Mutex
	app      application
	requests *shelf[*authRequest] // by id: pages that are open
	codes    *shelf[*authRequest] // by code
	access   *shelf[grant]        // by the id of the access token
	refresh  *shelf[grant]        // by the refresh token
	sessions *shelf[session]      // by the cookie's value
}

var errGone = errors.New("it is not known, was used, or has expired")

func newStore(o Options) (*store, error) {
	s := &store{
		drawer: drawer{o.Random}, now: o.Now, users: slices.Clone(o.Users),
		requests: newShelf[*authRequest](o.Now, requestLife, most), codes: newShelf[*authRequest](o.Now, codeLife, most),
		access: newShelf[grant](o.Now, tokenLife, most), refresh: newShelf[grant](o.Now, sessionLife, most),
		sessions: newShelf[session](o.Now, sessionLife, most),
	}
	var err error
	if s.key, err = newKey(o.Random); err != nil {
		return nil, err
	}
	if s.keyID, err = s.draw(); err != nil {
		return nil, err
	}
	s.secret, err = s.draw()
	return s, err
}

func (s *store) register(redirects, postLogout []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.app = application{redirects, postLogout}
}

func (s *store) application() application {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app
}

// find returns the user with this e-mail, or a new one: anybody may log in.
func (s *store) find(email string) (User, error) {
	for _, u := range s.users {
		if strings.EqualFold(u.Email, email) {
			return u, nil
		}
	}
	return User{Email: email}, checkEmail(email)
}

// logIn starts a session in place of the browser's old one. What was granted in that one stays: an application may
// still be using it. The cookie's value is new each time.
func (s *store) logIn(u User, old string) (cookie string, _ session, err error) {
	cookie, err = s.draw()
	if err != nil {
		return "", session{}, err
	}
	id, err := s.draw()
	if err != nil {
		return "", session{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.sessions.take(old)
	started := session{user: u, id: id, at: s.now()}
	s.sessions.put(cookie, started)
	return cookie, started, nil
}

func (s *store) sessionOf(cookie string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions.get(cookie)
}

// logOut ends a session, known by its cookie, its id or both, with all that was granted in it.
func (s *store) logOut(cookie, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	if id != "" {
		ids = append(ids, id)
	}
	if known, ok := s.sessions.take(cookie); ok {
		ids = append(ids, known.id)
	}
	ended := func(g grant) bool { return slices.Contains(ids, g.session.id) }
	s.sessions.drop(func(x session) bool { return slices.Contains(ids, x.id) })
	s.refresh.drop(ended)
	s.access.drop(ended)
}

func (s *store) request(id string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.requests.get(id); ok {
		return r, nil
	}
	return nil, errGone
}

// choose ends the page of a request: it returns the request of the one who was chosen, once.
func (s *store) choose(id string, who session) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests.get(id)
	if !ok || r.done {
		return nil, errGone
	}
	chosen := *r
	chosen.session, chosen.done = who, true
	s.requests.put(id, &chosen)
	return &chosen, nil
}

// newTokens draws the name of an access token and, where it was asked for, a refresh token.
func (s *store) newTokens(g grant) (id, refresh string, expires time.Time, err error) {
	if id, err = s.draw(); err != nil {
		return "", "", time.Time{}, err
	}
	if slices.Contains(g.scopes, oidc.ScopeOfflineAccess) {
		if refresh, err = s.draw(); err != nil {
			return "", "", time.Time{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access.put(id, g)
	if refresh != "" {
		s.refresh.put(refresh, g)
	}
	return id, refresh, s.now().Add(tokenLife), nil
}

// AuthorizeClientIDSecret is asked by the token endpoint.
func (s *store) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	if id != clientID || subtle.ConstantTimeCompare([]byte(secret), []byte(s.secret)) != 1 {
		return errors.New("the client id or secret is wrong")
	}
	return nil
}

// GetClientByClientID knows one.
func (s *store) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	if id != clientID {
		return nil, errors.New("no such application")
	}
	return s.application(), nil
}

// signingKey is the key under the names that the library has for its two halves.
type signingKey struct {
	id  string
	key any
}

func (k signingKey) ID() string                                  { return k.id }
func (k signingKey) Key() any                                    { return k.key }
func (k signingKey) Use() string                                 { return "sig" }
func (k signingKey) Algorithm() jose.SignatureAlgorithm          { return jose.RS256 }
func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
