package authproxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// ErrOIDCUnavailable is returned by New for a Config that asks for a provider's login, which this version cannot
// give. Serving the app without it would leave it open.
var ErrOIDCUnavailable = errors.New("login by OpenID Connect is not available yet")

// Options are what a Proxy needs besides its Config. Now and Random are required.
type Options struct {
	Upstream     string           // base URL of the app; empty shows "starting" until SetUpstream
	Now          func() time.Time // the clock
	Random       io.Reader        // cryptographically secure
	Log          *slog.Logger     // nil logs nothing
	Store        session.Store    // nil keeps sessions in memory
	CookieSuffix string           // letters and digits, such as the port: keeps apps on one host name apart
	BcryptCost   int              // 0 means password.DefaultCost

	// Persistent says that Store outlives the process. Without AUTH_SECRET the sessions in it are then bound to
	// the credentials, and otherwise to this process.
	Persistent        bool
	Observer          Observer          // nil counts nothing
	ProviderTransport http.RoundTripper // for calls to providers; nil means one that asks the environment for no proxy
}

// Proxy is the login in front of one app. It is safe for concurrent use.
type Proxy struct {
	config    Config
	rules     *rules
	passwords *password.Checker
	store     session.Store
	basics    basicSessions
	signer    *signer
	live      *live
	pages     *pages
	forwarder forwarder
	backend   atomic.Pointer[backend]

	now         func() time.Time
	random      io.Reader
	log         *slog.Logger
	cookieNames [4]string
	private     []string // value of Cache-Control, made once; nobody changes it

	first     stage
	exchanges sync.Pool
	done      chan struct{}
	sweeping  sync.WaitGroup
	closing   sync.Once
}

// forwarder is the way to the app.
type forwarder interface {
	Forward(w http.ResponseWriter, r *http.Request, to upstream.Target, x upstream.Exchange) error
	Close()
}

var _ http.Handler = (*Proxy)(nil)

// New makes the proxy that c describes. It takes some 50 ms a password, since each is hashed. The error is a
// *ConfigError where c is wrong, and wraps ErrUnprotected or ErrOIDCUnavailable where that is what is wrong.
// Close has to be called at the end.
func New(c Config, o Options) (*Proxy, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if len(c.Providers) > 0 {
		return nil, ErrOIDCUnavailable
	}
	if o.Now == nil || o.Random == nil {
		return nil, errors.New("authproxy.Options lacks Now or Random")
	}
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if strings.ContainsFunc(o.CookieSuffix, func(r rune) bool { return !strings.ContainsRune(plain, r) }) {
		return nil, fmt.Errorf("cookie suffix %q: only letters and digits", o.CookieSuffix)
	}
	p, err := assemble(c.withDefaults(), o)
	if err != nil {
		return nil, err
	}
	p.SetStarting()
	if o.Upstream != "" {
		if err := p.SetUpstream(o.Upstream); err != nil {
			return nil, err
		}
	}
	p.sweeping.Go(func() { p.live.run(p.done) })
	return p, nil
}

func assemble(c Config, o Options) (*Proxy, error) {
	var own [32]byte
	if _, err := io.ReadFull(o.Random, own[:]); err != nil {
		return nil, fmt.Errorf("draw a signing key: %w", err)
	}
	var logins []password.Login
	for feature, login := range c.Passwords {
		logins = append(logins, password.Login{Area: string(feature), Name: login.Username, Password: login.Password.Reveal()})
	}
	checker, err := password.NewChecker(password.Options{Logins: logins, Cost: o.BcryptCost, Now: o.Now, Random: o.Random})
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Store == nil {
		o.Store = session.NewMemory(0)
	}
	c.Passwords = withoutPasswords(c.Passwords) // from here on only the hashes are needed
	p := &Proxy{
		config: c, rules: newRules(c), passwords: checker, store: o.Store, signer: newSigner(c.Secrets, own[:], o.Now),
		live: newLive(o.Store, o.Now), pages: newPages(), forwarder: upstream.NewDirect(o.Now),
		now: o.Now, random: o.Random, log: o.Log, cookieNames: makeCookieNames(o.CookieSuffix), private: []string{"private"},
		exchanges: sync.Pool{New: func() any { return new(exchange) }}, done: make(chan struct{}),
	}
	p.first = p.chain()
	return p, nil
}

func withoutPasswords(logins map[Feature]Login) map[Feature]Login {
	names := map[Feature]Login{}
	for feature, login := range logins {
		names[feature] = Login{Username: login.Username}
	}
	return names
}

// Close ends the proxy's own work: it closes open WebSockets and idle connections to the app. Requests that are
// still under way go on; end them first by the server's Shutdown, which knows nothing of WebSockets.
func (p *Proxy) Close() error {
	p.closing.Do(func() {
		close(p.done)
		p.sweeping.Wait()
		p.live.close()
		p.forwarder.Close()
	})
	return nil
}
