package gateway

import (
	"context"
	"encoding/hex"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/keys"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session/sqlite"
)

// setLogin replaces the login of a project, in which the platform decides about the address. c is nil for an app that everybody
// may use.
func (p *project) setLogin(c *config.Config) error {
	used := config.Config{Public: true}
	if c != nil {
		used = *c
	}
	used.BaseURL, used.StripBasePath = p.gateway.o.Public(p.id), false
	used.Secrets = secretsFor(p.gateway.o.Key, p.id, used.Secrets)
	used, err := used.Complete()
	if err != nil {
		return err
	}
	return p.login.set(used)
}

// secretsFor derives the secrets of a project's login from its own, which other projects may have as well: many people copy
// their variables. A cookie or token of one app is worth nothing at another that way.
func secretsFor(key []byte, projectID string, own []config.Secret) []config.Secret {
	project := keys.Derive(key, "ploomber-cloud gateway project 1 "+projectID)
	if len(own) == 0 {
		own = []config.Secret{""}
	}
	var all []config.Secret
	for _, secret := range own {
		derived := keys.Derive(project[:], secret.Reveal())
		all = append(all, config.Secret(hex.EncodeToString(derived[:])))
	}
	return all
}

// login is the login of one project. Its proxy is made for the first request, and given up when nobody uses the app.
type login struct {
	project *project

	mu     sync.Mutex
	config config.Config
	proxy  *authproxy.Proxy // nil while it is not needed
	users  int              // requests that are with proxy
	used   time.Time        // when the last one came
	closed bool
}

// set replaces the configuration, which is complete.
func (l *login) set(c config.Config) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reflect.DeepEqual(c, l.config) {
		return nil
	}
	if l.proxy != nil {
		if err := l.proxy.Reload(c); err != nil {
			return err
		}
	}
	l.config = c
	return nil
}

// acquire returns the proxy, for which release has to be called. It hashes the passwords if the proxy is new, for which
// other requests wait.
func (l *login) acquire() (*authproxy.Proxy, error) {
	g := l.project.gateway
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proxy == nil {
		if l.closed {
			return nil, errClosed
		}
		sessions, err := g.store.open()
		if err != nil {
			return nil, err
		}
		l.proxy, err = authproxy.New(l.config, authproxy.Options{
			Now: g.o.Now, Random: g.o.Random, Log: g.o.Log.With(slog.String("project", l.project.id)), BcryptCost: g.o.BcryptCost,
			Store: sessions, Persistent: g.o.Sessions != "", Namespace: l.project.id, Router: l.project,
			Issuers: g.issuers, HashSlots: g.slots, Templates: g.templates, Direct: g.direct,
		})
		if err != nil {
			return nil, err
		}
	}
	l.users++
	l.used = g.o.Now()
	return l.proxy, nil
}

// endAll ends all sessions, those of earlier processes too.
func (l *login) endAll() error {
	proxy, err := l.acquire()
	if err != nil {
		return err
	}
	defer l.release()
	return proxy.EndAll(context.Background())
}

// owner returns what the app's owner puts on pages.
func (l *login) owner() pages.Owner {
	l.mu.Lock()
	defer l.mu.Unlock()
	return pages.Owner{App: l.config.AppName, Help: l.config.HelpText}
}

func (l *login) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users--
}

// keepLogins is how long an unused proxy is kept. With it goes the count of wrong passwords, which is forgotten after an
// hour without one anyway.
const keepLogins = time.Hour

// giveUpLogins gives up the proxies of unused apps until the gateway is closed.
func (g *Gateway) giveUpLogins() {
	tick := time.NewTicker(keepLogins / 10)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-g.ctx.Done():
			return
		}
		for _, p := range g.projects.Range {
			p.(*project).login.giveUp()
		}
	}
}

// giveUp closes the proxy if it has not been used for long.
func (l *login) giveUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proxy == nil || l.users > 0 || l.project.gateway.o.Now().Sub(l.used) < keepLogins || l.project.isInUse() {
		return
	}
	_ = l.proxy.Close() // never fails
	l.proxy = nil
}

// close ends the open WebSockets.
func (l *login) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.proxy != nil {
		_ = l.proxy.Close() // never fails
		l.proxy = nil
	}
}

// store is the session store of all apps. It is opened when it is needed.
type store struct {
	path string // "" for memory
	key  []byte
	now  func() time.Time

	mu       sync.Mutex
	sessions session.Store
}

func (s *store) open() (session.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.sessions != nil:
	case s.path == "":
		s.sessions = session.NewMemory(0)
	default:
		key := keys.Derive(s.key, "ploomber-cloud gateway sessions 1")
		file, err := sqlite.Open(context.Background(), s.path, [][]byte{key[:]}, s.now)
		if err != nil {
			return nil, err
		}
		s.sessions = file
	}
	return s.sessions, nil
}

func (s *store) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if file, ok := s.sessions.(*sqlite.Store); ok {
		return file.Close()
	}
	return nil
}
