package devidp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"
)

// ErrNotLoopback: a provider that asks for no password must not be reachable from other machines.
var ErrNotLoopback = errors.New("the development login listens on a loopback address only")

// Options say who can log in. Now and Random are required.
type Options struct {
	Address string // IP:port of this machine's loopback; "" takes a free port of 127.0.0.1
	Users   []User // to choose from; at least one

	Now    func() time.Time
	Random io.Reader    // cryptographically secure; the key pair comes from the system's source all the same
	Log    *slog.Logger // one line per login and refusal; nil logs nothing
}

// Provider is a running provider. It is safe for concurrent use.
type Provider struct {
	issuer string
	secret string
	store  *store
	server *http.Server
	done   chan struct{} // closed once the server has ended
}

// clientID names the only application.
const clientID = "ploomber-cloud-dev"

const (
	maxRequest   = 64 << 10 // bytes of a form
	drainTimeout = time.Second
)

// Start creates a provider and serves it until Close; ctx only affects the start. Before Register it redirects
// nowhere. The error wraps ErrNotLoopback for an address that other machines could reach.
func Start(ctx context.Context, o Options) (_ *Provider, err error) {
	if len(o.Users) == 0 || o.Now == nil || o.Random == nil {
		return nil, errors.New("devidp needs users, a clock and randomness")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	listener, err := listen(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = listener.Close()
		}
	}()
	p := &Provider{issuer: "http://" + listener.Addr().String(), store: newStore(o), done: make(chan struct{})}
	if p.secret, err = newToken(o.Random); err != nil {
		return nil, err
	}
	keys, err := newSigner(o.Random)
	if err != nil {
		return nil, err
	}
	e := &endpoints{issuer: p.issuer, secret: p.secret, signer: keys, store: p.store, pages: newPages(), now: o.Now, log: o.Log}
	handler, err := e.handler()
	if err != nil {
		return nil, err
	}
	p.server = &http.Server{
		Handler:           http.MaxBytesHandler(handler, maxRequest),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(p.done)
		_ = p.server.Serve(listener) // ends with Close
	}()
	return p, nil
}

// listen refuses names too: what localhost means is decided elsewhere.
func listen(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsLoopback() {
		return nil, fmt.Errorf("%w, not on %q", ErrNotLoopback, address)
	}
	var c net.ListenConfig
	return c.Listen(ctx, "tcp", address)
}

// Register replaces the allowed redirect URIs after a login and after a logout. They are compared byte by byte.
func (p *Provider) Register(redirects, postLogout []string) {
	p.store.register(slices.Clone(redirects), slices.Clone(postLogout))
}

// Issuer is the provider's URL, such as http://127.0.0.1:41234.
func (p *Provider) Issuer() string { return p.issuer }

// ClientID is the name of the only application.
func (p *Provider) ClientID() string { return clientID }

// ClientSecret is the application's secret, new at every start.
func (p *Provider) ClientSecret() string { return p.secret }

// Users are the users to choose from.
func (p *Provider) Users() []User { return slices.Clone(p.store.users) }

// Format keeps the secret and all stored data out of anything that prints a Provider.
func (p *Provider) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, p.issuer) }

// Close stops the provider: in-flight requests get a second to finish. It may be called more than once.
func (p *Provider) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	err := p.server.Shutdown(ctx)
	if err != nil {
		err = p.server.Close()
	}
	<-p.done
	return err
}
