package authproxy

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// Options are what a Proxy needs besides its Config. Now and Random are required.
type Options struct {
	Upstream     string           // base URL of the app; empty shows "starting" until SetUpstream
	Now          func() time.Time // the clock
	Random       io.Reader        // cryptographically secure
	Log          *slog.Logger     // nil logs nothing
	Store        session.Store    // nil keeps sessions in memory
	CookieSuffix string           // letters and digits: keeps apps on one host name apart; the same for all processes that share Store
	BcryptCost   int              // 0 means password.DefaultCost

	// FormerSuffix is a CookieSuffix under which sessions have been handed out before. They go on, under the new one.
	FormerSuffix string

	// Persistent says that Store outlives the process. Without AUTH_SECRET the sessions in it are then bound to
	// the credentials, and otherwise to this process.
	Persistent          bool
	Observer            observe.Observer  // nil counts nothing
	UpstreamAuthorities *x509.CertPool    // whose certificates an app with https may have; nil means the system's
	ProviderTransport   http.RoundTripper // for calls to providers; nil means one that asks the environment for no proxy

	// These are shared by the proxies of a process that serves many apps: each provider is then asked once for all of them,
	// and passwords of all of them keep no more cores busy than those of one. nil means own ones. With Issuers,
	// ProviderTransport is not used.
	Issuers   *oidc.Issuers
	HashSlots *password.HashSlots
	Templates *pages.Templates
}

// Proxy is the login in front of one app. It is safe for concurrent use.
type Proxy struct {
	policy    atomic.Pointer[policy]
	sessions  *session.Manager
	basics    *basicSessions
	returns   *returns
	renewing  renewing
	ids       *requestid.Generator
	inFlight  *registry.Registry
	pages     *pages.Pages
	forwarder forwarder
	backend   atomic.Pointer[backend]
	warned    atomic.Bool // of a reverse proxy that is not listed
	observer  observe.Observer
	observed  bool // there is somebody behind it

	now           func() time.Time
	random        io.Reader
	log           observe.Log
	issuers       *oidc.Issuers     // nil: each provider has its own
	transport     http.RoundTripper // of providers with their own; nil for a default one
	hashSlots     *password.HashSlots
	own           [32]byte // random, for this process
	persistent    bool
	bcryptCost    int
	cookies       *cookie.Jar
	formerCookies *cookie.Jar // with the names that cookies had before; nil where they had none
	noStore       []string    // value of Cache-Control, made once; nobody changes it
	private       []string    // value of Cache-Control, made once; nobody changes it

	first     stage
	exchanges sync.Pool
	done      chan struct{}
	running   sync.WaitGroup // goroutines
	closing   sync.Once

	reloading sync.Mutex // one at a time, and none after done
}

// forwarder is the way to the app.
type forwarder interface {
	Reach(ctx context.Context, to upstream.Target) error
	Forward(w http.ResponseWriter, r *http.Request, to upstream.Target, x upstream.Hooks) error
	Close()
}

var _ http.Handler = (*Proxy)(nil)

// errClosed is why a proxy that has been closed does nothing any more.
var errClosed = errors.New("the proxy is closed")

// New makes the proxy that c describes. It takes some 50 ms a password, since each is hashed. The error is a
// *ConfigError where c is wrong, and wraps ErrUnprotected where that is what is wrong. Providers are looked for in
// the background: see Ready. Close has to be called at the end.
func New(c config.Config, o Options) (*Proxy, error) {
	c, err := c.Complete()
	if err != nil {
		return nil, err
	}
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("authproxy.Options lacks Now or Random")
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for _, suffix := range []string{o.CookieSuffix, o.FormerSuffix} {
		if strings.ContainsFunc(suffix, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
			return nil, fmt.Errorf("cookie suffix %q: only letters and digits", suffix)
		}
	}
	p, err := assemble(o, c.BasePath())
	if err != nil {
		return nil, err
	}
	p.SetStarting()
	if o.Upstream != "" {
		if err := p.SetUpstream(o.Upstream); err != nil {
			return nil, err
		}
	}
	pol, err := p.newPolicy(c, nil)
	if err != nil {
		return nil, err
	}
	p.adopt(pol, nil)
	p.running.Go(func() { p.inFlight.Run(p.done) })
	return p, nil
}

func assemble(o Options, base string) (*Proxy, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Store == nil {
		o.Store = session.NewMemory(0)
	}
	if o.Templates == nil {
		o.Templates = pages.NewTemplates()
	}
	if o.HashSlots == nil {
		o.HashSlots = password.NewHashSlots(0)
	}
	direct := upstream.NewDirect(o.Now)
	direct.Authorities = o.UpstreamAuthorities
	p := &Proxy{
		basics: newBasicSessions(), returns: newReturns(),
		ids: requestid.NewGenerator(o.Random), pages: pages.New(o.Templates, base, o.Now), forwarder: direct,
		observer: o.Observer, observed: o.Observer != nil,
		now: o.Now, random: o.Random, log: observe.Log{Logger: o.Log}, issuers: o.Issuers, transport: o.ProviderTransport, hashSlots: o.HashSlots, persistent: o.Persistent, bcryptCost: o.BcryptCost,
		cookies: cookie.NewJar(base, o.CookieSuffix), private: []string{"private"}, noStore: []string{"no-store"},
		exchanges: sync.Pool{New: func() any { return new(exchange) }}, done: make(chan struct{}),
	}
	if _, err := io.ReadFull(o.Random, p.own[:]); err != nil {
		return nil, fmt.Errorf("draw a signing key: %w", err)
	}
	var err error
	if p.sessions, err = session.NewManager(o.Store, o.Random); err != nil {
		return nil, fmt.Errorf("draw a name for claims: %w", err)
	}
	if !p.observed {
		p.observer = observe.Nobody{}
	}
	if o.FormerSuffix != "" && o.FormerSuffix != o.CookieSuffix {
		p.formerCookies = cookie.NewJar(base, o.FormerSuffix)
	}
	p.inFlight = registry.New(o.Now)
	p.first = p.chain()
	return p, nil
}

// Close ends the proxy's own work: it closes open WebSockets and idle connections to the app, and looks for
// providers no more. Requests that are still under way go on; end them first by the server's Shutdown, which knows
// nothing of WebSockets.
func (p *Proxy) Close() error {
	p.closing.Do(func() {
		p.reloading.Lock()
		close(p.done)
		p.reloading.Unlock()
		for _, pr := range p.policy.Load().providers {
			pr.stop()
		}
		p.running.Wait()
		for _, pr := range p.policy.Load().providers {
			pr.Close()
		}
		p.inFlight.Close()
		p.forwarder.Close()
	})
	return nil
}
