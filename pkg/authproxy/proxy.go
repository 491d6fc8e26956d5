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

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/login"
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
	CookieSuffix string           // letters and digits: distinguishes apps on one host name; the same for all processes that share Store
	BcryptCost   int              // 0 means password.DefaultCost

	// FormerSuffix is a CookieSuffix that was used before. Sessions with such a cookie stay valid and get a new one.
	FormerSuffix string

	// Persistent says that Store outlives the process. Without AUTH_SECRET, sessions are then bound to the configured
	// passwords; if Store is not persistent, to this process.
	Persistent          bool
	Observer            observe.Observer  // nil counts nothing
	UpstreamAuthorities *x509.CertPool    // trusted to certify an app with https; nil means the system's
	ProviderTransport   http.RoundTripper // for requests to providers; nil means one that ignores HTTP_PROXY and the like

	// The proxies of a process that serves many apps share these: what is fetched from a provider is fetched once for all of
	// them, and checking passwords of all of them occupies no more cores than those of one. If they are nil, the proxy has
	// its own. With Issuers, ProviderTransport is not used.
	Issuers   *oidc.Issuers
	HashSlots *password.HashSlots
	Templates *pages.Templates
	Direct    *upstream.Direct // connections to apps; Close leaves it open, and UpstreamAuthorities is not used

	Router    Router // decides where requests go; nil sends all of them to Upstream
	Namespace string // of the app's sessions in a Store that apps share, for ending them together; each app needs AUTH_SECRET of its own
}

// Proxy is the login in front of one app. It is safe for concurrent use.
type Proxy struct {
	auth      *authn.Authenticator
	flows     *login.Flows
	pages     *pages.Pages
	inFlight  *registry.Registry
	ids       *requestid.Generator
	forwarder forwarder
	shared    bool // forwarder is another's to close
	router    Router
	backend   atomic.Pointer[backend]
	observer  observe.Observer
	observed  bool // Options.Observer was set
	log       observe.Log
	now       func() time.Time

	warned   atomic.Bool // about a reverse proxy that is not trusted
	first    handler
	requests sync.Pool
	done     chan struct{}
	reaper   sync.WaitGroup
	closing  sync.Once
}

// forwarder is the way to the app.
type forwarder interface {
	Reach(ctx context.Context, to upstream.Target) error
	Forward(w http.ResponseWriter, r *http.Request, to upstream.Target, x upstream.Hooks) error
	Close()
}

var _ http.Handler = (*Proxy)(nil)

// New returns the proxy that c describes. It hashes each password, which takes some 50 ms. The error is a *config.Error if c
// has mistakes, and wraps config.ErrUnprotected if c protects nothing. Providers are discovered in the background: see
// Ready. Close must be called at the end.
func New(c config.Config, o Options) (*Proxy, error) {
	c, err := c.Complete()
	if err != nil {
		return nil, err
	}
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("authproxy: Options lacks Now or Random")
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	for _, suffix := range []string{o.CookieSuffix, o.FormerSuffix} {
		if strings.ContainsFunc(suffix, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
			return nil, fmt.Errorf("cookie suffix %q: only letters and digits", suffix)
		}
	}
	p, err := assemble(c, o)
	if err != nil {
		return nil, err
	}
	p.SetStarting()
	if o.Upstream != "" {
		if err := p.SetUpstream(o.Upstream); err != nil {
			_ = p.Close()
			return nil, err
		}
	}
	p.reaper.Go(func() { p.inFlight.Run(p.done) })
	return p, nil
}

func assemble(c config.Config, o Options) (*Proxy, error) {
	o.fillIn()
	base := c.BasePath()
	direct := o.Direct
	if direct == nil {
		direct = upstream.NewDirect(o.Now)
		direct.Authorities = o.UpstreamAuthorities
	}
	p := &Proxy{
		pages: pages.New(o.Templates, base, o.Now), inFlight: registry.New(o.Now), ids: requestid.NewGenerator(o.Random),
		forwarder: direct, shared: o.Direct != nil, router: o.Router, observer: o.Observer, observed: o.Observer != nil, log: observe.Log{Logger: o.Log}, now: o.Now,
		requests: sync.Pool{New: func() any { return new(request) }}, done: make(chan struct{}),
	}
	if !p.observed {
		p.observer = observe.Discard{}
	}
	cookies := cookie.NewJar(base, o.CookieSuffix)
	settings := authn.Options{
		Now: o.Now, Random: o.Random, Log: p.log, Observer: p.observer, Store: o.Store, Persistent: o.Persistent, InFlight: p.inFlight,
		Namespace: o.Namespace, Cookies: cookies, BcryptCost: o.BcryptCost, HashSlots: o.HashSlots, Issuers: o.Issuers, Transport: o.ProviderTransport,
	}
	if o.FormerSuffix != "" && o.FormerSuffix != o.CookieSuffix {
		settings.FormerCookies = cookie.NewJar(base, o.FormerSuffix)
	}
	var err error
	if p.auth, err = authn.New(c, settings); err != nil {
		return nil, err
	}
	p.flows = login.New(login.Options{Auth: p.auth, Pages: p.pages, Cookies: cookies, Observer: p.observer, Log: p.log,
		Random: o.Random, Now: o.Now})
	p.pages.SetOwner(pages.Owner{App: c.AppName, Help: c.HelpText})
	p.first = p.chain()
	return p, nil
}

// fillIn replaces nil fields by their defaults.
func (o *Options) fillIn() {
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
}

// Reload replaces the configuration. On error everything stays as it is; the errors are those of New. Connections and
// requests in flight go on. Open WebSockets and event streams go on unless c no longer allows them. Sessions go on unless
// their password has changed or their account may no longer use the app.
func (p *Proxy) Reload(c config.Config) error {
	if err := p.auth.Reload(c); err != nil {
		return err
	}
	p.pages.SetOwner(pages.Owner{App: c.AppName, Help: c.HelpText})
	return nil
}

// Ready returns nil if users can log in: every provider has been discovered. It tries to discover those that have not, each
// at most once every few seconds, so ctx should have a deadline. Sessions go on either way.
func (p *Proxy) Ready(ctx context.Context) error { return p.auth.Ready(ctx) }

// EndOwner ends every session of a subject, with its requests and WebSockets in flight. The subject is what the app gets as
// X-Auth-Sub: a provider's sub, or "password|" and the user name. If two providers have the same sub for two users, both are
// logged out.
func (p *Proxy) EndOwner(ctx context.Context, subject string) error {
	return p.auth.EndOwner(ctx, subject)
}

// EndAll ends every session of the app, with its requests and WebSockets in flight. Without Options.Namespace it ends none.
func (p *Proxy) EndAll(ctx context.Context) error { return p.auth.EndAll(ctx) }

// Close stops the proxy's background work, and closes open WebSockets and idle connections to the app. Requests in flight go
// on: end them before by http.Server.Shutdown, which does not know of WebSockets.
func (p *Proxy) Close() error {
	p.closing.Do(func() {
		close(p.done)
		p.reaper.Wait()
		p.auth.Close()
		p.inFlight.Close()
		if !p.shared {
			p.forwarder.Close()
		}
	})
	return nil
}
