package authproxy

import (
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// authenticate finds out who asks: by the session cookie, else by credentials in the Authorization header. A session
// comes first, since a page that has one may use that header for purposes of its own.
func (p *Proxy) authenticate(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		x.scope = x.policy.rules.Scope(x.path)
		p.recognise(r, x)
		switch {
		case x.grant != nil && x.grant.Login != nil:
			p.keepFresh(r, x)
		case x.who == nil && x.scope.Provider:
			p.tryBearer(r, x)
		}
		next(w, r, x)
	}
}

func (p *Proxy) recognise(r *http.Request, x *exchange) {
	found := p.presented(r, x)
	switch {
	case len(found) > 1: // no one can say which is the visitor's own (security class 10)
		x.conflicting, x.pendingCookie = found, nil
	case len(found) == 1:
		x.session = found[0]
		if g := x.session.Grant(x.scope.Name); g != nil && x.policy.holds(x.scope, g) {
			x.grant, x.who = g, &g.Identity
		}
	}
	if x.who == nil && x.scope.Password {
		p.tryBasic(r, x, found)
	}
}

// tryBasic looks at Basic credentials. A client without a session gets one, since browsers do not send
// credentials with a WebSocket and frameworks use the Authorization header themselves.
func (p *Proxy) tryBasic(r *http.Request, x *exchange, presented []*session.Session) {
	if x.policy.config.PasswordMode == config.ModeForm {
		return
	}
	x.basic = x.policy.passwords.Basic(r.Context(), x.scope.Name, r.Header.Get("Authorization"), x.client, x.connection.recent())
	switch x.basic.Verdict {
	case password.Wrong, password.Locked:
		p.logRefused(r, x, x.basic)
	case password.Right:
		if x.session == nil || !p.opensAnything(x) {
			p.end(r, presented)
			p.basicSession(r, x)
		}
		if x.who == nil {
			who := passwordIdentity(x.basic.Name)
			x.who = &who
		}
	}
}

// opensAnything reports whether the session is still good for some area: else it only stands in the way.
func (p *Proxy) opensAnything(x *exchange) bool {
	for i := range x.session.Grants {
		if g := &x.session.Grants[i]; x.policy.holds(x.policy.rules.Named(g.Area), g) {
			return true
		}
	}
	return false
}

// passwordIdentity is what the app is told of somebody who knows a password. The prefix keeps the subject apart
// from every provider's.
func passwordIdentity(name string) identity.Identity {
	return identity.Identity{Name: name, Subject: identity.PasswordSubject + name}
}

// basicSessions remembers the session of each credential, address and program, so that a program that ignores
// cookies does not fill the store with a session a request. Browsers of one kind that send one credential from one
// address share a session too, since nothing in a first request tells them from a program: when one logs out, the
// others' WebSockets close as well, and their credentials start the next session at once.
type basicSessions = expiring.Map[basicClient, basicSession]

type basicClient struct {
	credential password.Key
	from       netip.Addr
	agent      string
	https      bool
}

type basicSession struct {
	id     session.ID
	under  session.Secret // that leads from id to key
	key    session.Key
	cookie []string // as it is handed out; nobody changes it
}

const maxBasicSessions = 1024

func newBasicSessions() *basicSessions {
	return expiring.New[basicClient, basicSession](maxBasicSessions)
}

func (p *Proxy) basicSession(r *http.Request, x *exchange) {
	agent := r.Header.Get("User-Agent")
	client := basicClient{x.basic.Key, x.client, agent[:min(len(agent), 256)], x.https}
	if made, ok := p.basics.Get(client, x.now); ok {
		if s := p.lookupMade(r, x, &made); s != nil {
			if g := s.Grant(x.scope.Name); g != nil && x.policy.holds(x.scope, g) {
				x.session, x.who = s, &g.Identity
				if !x.connection.givenAlready(r, made.cookie[0], x.now) {
					x.pendingCookie = made.cookie
				}
				return
			}
		}
	}
	who := passwordIdentity(x.basic.Name)
	id, s, err := p.begin(r, x, []session.Grant{{Area: x.scope.Name, Identity: who, Fingerprint: x.scope.Fingerprint(who.Name)}})
	if err != nil {
		p.logStoreError(r, err) // the credentials are good for this request all the same
		return
	}
	x.session, x.pendingCookie = s, []string{p.cookie(cookie.Session, string(id), x.https, x.policy.config.SessionLifetime)}
	p.basics.Put(client, basicSession{id, x.policy.keys[0], s.Key, x.pendingCookie}, x.now, s.Expires.Sub(x.now))
	p.observer.Count(observe.Login)
	p.log.Request(r, slog.LevelInfo, "logged in", slog.String("area", x.scope.Name), slog.String("user", who.Name),
		slog.String("client", x.client.String()), slog.String("by", "basic"))
}

// lookupMade is lookup without a hash, as long as the secret stays the same.
func (p *Proxy) lookupMade(r *http.Request, x *exchange, made *basicSession) *session.Session {
	if made.under == x.policy.keys[0] {
		if s, err := p.sessions.Use(r.Context(), made.key, x.now); err == nil && s.Key == made.key {
			return s
		}
	}
	s, _ := p.lookup(r, x, made.id)
	return s
}
