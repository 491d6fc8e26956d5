// Package authn finds out who sends a request: the user of a session, or the owner of a password or an access token that
// came with it. It starts and ends sessions, and keeps their tokens fresh. It answers no request and shows no page.
package authn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Options are what an Authenticator needs besides its configuration. Fields whose comment does not say otherwise are
// required.
type Options struct {
	Now           func() time.Time
	Random        io.Reader // cryptographically secure
	Log           observe.Log
	Observer      observe.Observer
	Store         session.Store
	Persistent    bool   // Store outlives the process
	Namespace     string // of the sessions in Store that belong to this app; empty if all do
	InFlight      *registry.Registry
	Cookies       *cookie.Jar
	FormerCookies *cookie.Jar // with the names that cookies had before; may be nil

	BcryptCost int // 0 means password.DefaultCost
	HashSlots  *password.HashSlots
	Issuers    *oidc.Issuers     // nil: each provider has its own
	Transport  http.RoundTripper // of providers with their own; nil for a default one
}

// Authenticator is the login of one app, without its pages. It is safe for concurrent use.
type Authenticator struct {
	now           func() time.Time
	log           observe.Log
	observer      observe.Observer
	inFlight      *registry.Registry
	cookies       *cookie.Jar
	formerCookies *cookie.Jar
	options       Options // for the next policy

	sessions *session.Manager
	space    string // begins the tags of this app's sessions
	policy   atomic.Pointer[Policy]
	basics   *basicSessions
	renewing renewing
	own      [32]byte // random key for this process

	reloading sync.Mutex // one at a time, and none after done
	done      chan struct{}
	closing   sync.Once
	looking   sync.WaitGroup // goroutines that look for providers
	renewals  sync.WaitGroup // goroutines that renew tokens
}

// errClosed is returned by Reload after Close.
var errClosed = errors.New("the proxy is closed")

// New returns the Authenticator of a complete configuration, see config.Config.Complete. It looks for providers in the
// background until Close.
func New(c config.Config, o Options) (*Authenticator, error) {
	a := &Authenticator{now: o.Now, log: o.Log, observer: o.Observer, inFlight: o.InFlight, cookies: o.Cookies, formerCookies: o.FormerCookies,
		options: o, basics: newBasicSessions(), done: make(chan struct{})}
	if _, err := io.ReadFull(o.Random, a.own[:]); err != nil {
		return nil, fmt.Errorf("draw a signing key: %w", err)
	}
	if o.Namespace != "" {
		a.space = "app " + o.Namespace + " "
	}
	var err error
	if a.sessions, err = session.NewManager(o.Store, o.Random); err != nil {
		return nil, fmt.Errorf("draw a name for claims: %w", err)
	}
	pol, err := a.newPolicy(c, nil)
	if err != nil {
		return nil, err
	}
	a.adopt(pol, nil)
	return a, nil
}

// Policy returns the current policy. A request keeps to the one that was current when it came.
func (a *Authenticator) Policy() *Policy { return a.policy.Load() }

// Reload replaces the policy by that of c. On error everything stays as it is.
func (a *Authenticator) Reload(c config.Config) error {
	c, err := c.Complete()
	if err != nil {
		return err
	}
	a.reloading.Lock()
	defer a.reloading.Unlock()
	select {
	case <-a.done:
		return fmt.Errorf("reload: %w", errClosed)
	default:
	}
	before := a.policy.Load()
	if c.BasePath() != before.Base { // cookies belong to it
		return config.Errorf(config.EnvBaseURL, "has another path than at the start, which takes a restart")
	}
	pol, err := a.newPolicy(c, before)
	if err != nil {
		return err
	}
	a.adopt(pol, before)
	a.inFlight.Reap()
	return nil
}

// adopt makes pol the current policy, and stops providers that only the one before has used.
func (a *Authenticator) adopt(pol, before *Policy) {
	for _, pr := range pol.Providers {
		a.start(pr)
	}
	a.policy.Store(pol)
	if before == nil {
		return
	}
	for _, pr := range before.Providers {
		if !slices.Contains(pol.Providers, pr) {
			pr.stop()
			pr.Close()
		}
	}
}

// start looks for a provider until it is stopped.
func (a *Authenticator) start(pr *Provider) {
	if pr.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	pr.cancel = cancel
	a.looking.Go(func() { pr.Run(ctx) })
}

// Ready returns nil where people can log in: every provider has been found. It looks for those that have not, at
// most once in a few seconds each, so ctx should end soon. Sessions go on either way.
func (a *Authenticator) Ready(ctx context.Context) error {
	var missing []error
	for _, pr := range a.policy.Load().Providers {
		if err := pr.Ready(ctx); err != nil {
			missing = append(missing, fmt.Errorf("provider %s: %w", pr.Issuer(), err))
		}
	}
	return errors.Join(missing...)
}

// WaitForRenewals waits for the renewals of tokens that are under way in the background.
func (a *Authenticator) WaitForRenewals() { a.renewals.Wait() }

// Close ends all work in the background, and waits for it.
func (a *Authenticator) Close() {
	a.closing.Do(func() {
		a.reloading.Lock()
		close(a.done)
		a.reloading.Unlock()
		for _, pr := range a.policy.Load().Providers {
			pr.stop()
		}
		a.looking.Wait()
		a.WaitForRenewals()
		for _, pr := range a.policy.Load().Providers {
			pr.Close()
		}
	})
}
