package oidc

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Issuers holds what is the same for all applications at one issuer: its discovery document, its signing keys, and
// connections to it. A process that serves many apps makes one and hands it to the Providers of all of them, so that each
// issuer is asked once. An issuer is kept while a Provider uses it. Issuers is safe for concurrent use.
type Issuers struct {
	options IssuersOptions

	mu    sync.Mutex
	inUse map[issuerKey]*issuer
}

// IssuersOptions say how issuers are called. Now is required.
type IssuersOptions struct {
	Now       func() time.Time
	Transport http.RoundTripper // nil means one for each issuer, which asks the environment for no proxy
	Log       *slog.Logger      // nil logs nothing
}

// NewIssuers returns Issuers without any.
func NewIssuers(o IssuersOptions) *Issuers {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Issuers{options: o, inUse: map[issuerKey]*issuer{}}
}

// issuerKey tells issuers apart. What a discovery document may say depends on whether many tenants may log in.
type issuerKey struct {
	url         string // as NormalIssuer spells it
	manyTenants bool
}

// issuer is one of them, shared by Providers.
type issuer struct {
	key       issuerKey
	call      caller
	discovery *discovery
	keys      *keySet
	runner    chan struct{} // holds a value while a Provider runs the discovery for all
	users     int           // guarded by Issuers.mu
}

// acquire returns an issuer for a Provider to use until it releases it.
func (i *Issuers) acquire(key issuerKey) *issuer {
	i.mu.Lock()
	defer i.mu.Unlock()
	shared := i.inUse[key]
	if shared == nil {
		call := newCaller(i.options.Transport)
		shared = &issuer{key: key, call: call, runner: make(chan struct{}, 1),
			discovery: &discovery{issuer: key.url, manyTenants: key.manyTenants, call: call, now: i.options.Now, log: i.options.Log},
			keys:      &keySet{call: call, now: i.options.Now}}
		i.inUse[key] = shared
	}
	shared.users++
	return shared
}

// release ends a use. The last one closes idle connections.
func (i *Issuers) release(shared *issuer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if shared.users--; shared.users == 0 {
		delete(i.inUse, shared.key)
		shared.call.client.CloseIdleConnections()
	}
}

// run looks for the provider, and fetches keys ahead of need, until ctx ends. Of many that run at the same time one does
// the work; where it ends, another takes over.
func (i *issuer) run(ctx context.Context) {
	select {
	case i.runner <- struct{}{}:
		defer func() { <-i.runner }()
		i.discovery.run(ctx, func(m *metadata) { i.keys.renew(ctx, m.Keys) })
	case <-ctx.Done():
	}
}
