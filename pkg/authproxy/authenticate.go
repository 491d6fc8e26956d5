package authproxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/identity"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// authenticate finds out who asks: by the session cookie, else by Basic credentials.
func (p *Proxy) authenticate(next stage) stage {
	return func(w http.ResponseWriter, r *http.Request, x *exchange) {
		x.area = p.rules.of(x.path)
		p.recognise(r, x)
		next(w, r, x)
	}
}

func (p *Proxy) recognise(r *http.Request, x *exchange) {
	found := p.presented(r, x)
	if len(found) == 1 { // of several, no one can say which is the visitor's own (security class 10)
		x.session = found[0]
		x.who = x.session.In(x.area.name)
	}
	if x.who == nil && x.area.password {
		p.tryBasic(r, x, found)
	}
}

// tryBasic looks at Basic credentials. A visitor without a session gets one, since browsers do not send
// credentials with a WebSocket and frameworks use the Authorization header themselves.
func (p *Proxy) tryBasic(r *http.Request, x *exchange, planted []*session.Session) {
	if p.config.PasswordMode == ModeForm {
		return
	}
	x.basic = p.passwords.Basic(r.Context(), x.area.name, r.Header.Get("Authorization"), x.client)
	switch x.basic.Verdict {
	case password.Wrong, password.Locked:
		p.logRefused(r, x, x.basic)
	case password.Right:
		who := passwordIdentity(x.basic.Name)
		x.who = &who
		if x.session == nil {
			p.end(r, planted)
			p.basicSession(r, x, who)
		}
	}
}

// passwordIdentity is what the app is told of somebody who knows a password. The prefix keeps the subject apart
// from every provider's.
func passwordIdentity(name string) identity.Identity {
	return identity.Identity{Name: name, Subject: "password|" + name}
}

// basicSessions remembers the session of each credential, address and program, so that a program that ignores
// cookies does not fill the store with a session a request.
type basicSessions struct {
	mu  sync.Mutex
	ids map[basicClient]session.ID
}

type basicClient struct {
	credential password.Key
	from       netip.Addr
	agent      string
}

const maxBasicSessions = 1024

func (b *basicSessions) get(c basicClient) session.ID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ids[c]
}

func (b *basicSessions) put(c basicClient, id session.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ids == nil || len(b.ids) >= maxBasicSessions {
		b.ids = map[basicClient]session.ID{}
	}
	b.ids[c] = id
}

func (p *Proxy) basicSession(r *http.Request, x *exchange, who identity.Identity) {
	agent := r.Header.Get("User-Agent")
	client := basicClient{x.basic.Key, x.client, agent[:min(len(agent), 256)]}
	if id := p.basics.get(client); id != "" {
		if s, err := p.store.Use(r.Context(), id.Key(), p.now()); err == nil {
			x.session, x.fresh = s, id
			return
		}
	}
	grants := []session.Grant{{Area: x.area.name, Identity: who}}
	id, s, err := p.begin(r, grants)
	if err != nil {
		p.logStoreError(r, err) // the credentials are good for this request all the same
		return
	}
	x.session, x.fresh = s, id
	p.basics.put(client, id)
	p.log.LogAttrs(r.Context(), slog.LevelInfo, "logged in", slog.String("area", x.area.name), slog.String("user", who.Name),
		slog.String("client", x.client.String()), slog.String("by", "basic"))
}

// begin makes a session under a new id (security class 8). It belongs to whoever logged in first.
func (p *Proxy) begin(r *http.Request, grants []session.Grant) (session.ID, *session.Session, error) {
	id, err := session.NewID(p.random)
	if err != nil {
		return "", nil, err
	}
	now := p.now()
	s := &session.Session{Key: id.Key(), Tags: []string{grants[0].Identity.Subject}, Grants: grants,
		Created: now, Idle: p.config.SessionIdle, Expires: now.Add(p.config.SessionLifetime)}
	return id, s, p.store.Put(r.Context(), s, session.Key{})
}

// end ends sessions and closes their WebSockets.
func (p *Proxy) end(r *http.Request, sessions []*session.Session) {
	for _, s := range sessions {
		if err := p.store.Delete(r.Context(), s.Key); err != nil {
			p.logStoreError(r, err)
		}
		p.live.end(s.Key)
	}
}

// EndOwner ends every session of a subject, as X-Auth-Sub names it, and closes their WebSockets.
func (p *Proxy) EndOwner(ctx context.Context, subject string) error {
	keys, err := p.store.DeleteTagged(ctx, subject)
	for _, key := range keys {
		p.live.end(key)
	}
	return err
}

func (p *Proxy) logStoreError(r *http.Request, err error) {
	if !errors.Is(err, session.ErrNotFound) {
		p.log.LogAttrs(r.Context(), slog.LevelError, "session store failed", slog.String("error", err.Error()))
	}
}
