package proxycmd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// running is a serving proxy.
type running struct {
	options     *Options
	log         *slog.Logger
	proxy       *authproxy.Proxy
	store       store
	login       config.Config // current settings
	meter       *meter
	certificate atomic.Pointer[tls.Certificate] // nil without TLS
	public      *server.Server
	private     *server.Server // nil without --private-listen
	draining    atomic.Bool
}

// serve runs the proxy until a signal ends it. It returns nil after SIGTERM, the orderly end, and an interrupted
// error after Ctrl-C.
func (o *Options) serve(ctx context.Context, p *plan) (err error) {
	signals, stop := o.Signals()
	defer stop()
	if ctx.Err() != nil {
		return ctx.Err() // the signal came earlier
	}
	ctx = context.WithoutCancel(ctx) // the root's context would end on the first signal, with requests still in flight
	r := &running{options: o, log: o.Log.Logger(o.IO, o.Verbose()), meter: newMeter(o.Version, o.Now())}
	public, err := o.listen(ctx, "listen", o.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = public.Close() }()
	if r.store, err = o.openStore(ctx, p.login); err != nil {
		return failure.Failedf("%s: %w", o.named("session-store"), err)
	}
	defer func() { err = errors.Join(err, r.store.close()) }()
	if n := r.store.lost(); n > 0 {
		r.log.LogAttrs(ctx, slog.LevelWarn, "sessions of an earlier version of this program have ended", slog.Int("sessions", n))
	}
	if err := r.makeProxy(ctx, public, p); err != nil {
		return err
	}
	r.login = p.login
	defer func() { err = errors.Join(err, r.proxy.Close()) }()

	r.useCertificate(p)
	if o.PrivateListen != "" {
		l, err := o.listen(ctx, "private-listen", o.PrivateListen)
		if err != nil {
			return err
		}
		r.private = server.Serve(l, server.Options{Handler: r.privateHandler(r.meter), Now: o.Now, Log: r.log})
		defer r.private.Close() // stopped last: it answers while requests finish
		r.log.LogAttrs(ctx, slog.LevelInfo, "serving health and metrics", slog.String("private-listen", l.Addr().String()))
	}
	r.public = server.Serve(public, server.Options{Handler: r.proxy, Now: o.Now, ConnContext: authproxy.ConnContext, TLS: r.tlsConfig(), Log: r.log})
	defer r.public.Close()
	r.announce(ctx, public, p)
	stopWatching := r.watchApp(ctx)
	defer stopWatching()
	return r.wait(ctx, signals)
}

// useCertificate starts to use the certificate, if there is one.
func (r *running) useCertificate(p *plan) {
	if p.certificate == nil {
		return
	}
	r.certificate.Store(p.certificate)
	r.meter.Gauge("ploomber_proxy_certificate_not_after_seconds", "Expiry of the certificate, in seconds since the Unix epoch.",
		func() float64 { return float64(r.certificate.Load().Leaf.NotAfter.Unix()) })
}

func (o *Options) listen(ctx context.Context, flag, address string) (net.Listener, error) {
	l, err := o.Machine.Listen(ctx, address)
	if errors.Is(err, platform.ErrTaken) {
		return nil, failure.Failedf("%s: another program is using %s", o.named(flag), address).WithHint("choose another port with --%s", flag)
	}
	if err != nil {
		return nil, failure.Failedf("%s: %w", o.named(flag), err)
	}
	return l, nil
}

func (r *running) makeProxy(ctx context.Context, l net.Listener, p *plan) error {
	options := authproxy.Options{
		Upstream: r.options.Upstream, Now: r.options.Now, Random: r.options.Random, Log: r.log,
		Store: r.store.sessions, Persistent: r.store.file != nil, BcryptCost: r.options.bcryptCost,
		ProviderTransport: p.network.providers, UpstreamAuthorities: p.network.app,
	}
	if r.options.PrivateListen != "" {
		options.Observer = r.meter
	}
	var err error
	if options.CookieSuffix, options.FormerSuffix, err = r.store.sharedSuffixes(ctx, p.login.BaseURL, l.Addr()); err != nil {
		return failure.Failedf("%s: %w", r.options.named("session-store"), err)
	}
	if r.proxy, err = authproxy.New(p.login, options); err != nil {
		return &failure.Error{Code: failure.Failed, Err: err}
	}
	return nil
}

// watchApp logs when the app stops responding and when it responds again, until stop is called.
func (r *running) watchApp(ctx context.Context) (stop func()) {
	const often = time.Second // while the app does not respond
	ctx, cancel := context.WithCancel(ctx)
	ticker := time.NewTicker(often)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.proxy.WatchApp(ctx, ticker.C)
	}()
	return func() {
		cancel()
		<-ended
		ticker.Stop()
	}
}

// announce logs what is served, where, and who can access it.
func (r *running) announce(ctx context.Context, l net.Listener, p *plan) {
	r.warn(ctx, p)
	if r.options.Log.ForPeople(r.options.IO) && r.log.Enabled(ctx, slog.LevelInfo) {
		r.greet(l, p)
		return
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "serving", append([]slog.Attr{
		slog.String("listen", l.Addr().String()), slog.Bool("tls", p.certificate != nil), slog.String("upstream", r.options.Upstream),
	}, describe(p.login)...)...)
}

// greet prints the same for a person.
func (r *running) greet(l net.Listener, p *plan) {
	scheme := "http"
	if p.certificate != nil {
		scheme = "https"
	}
	say := r.options.IO.Err.Note
	at, others := reachable(l.Addr())
	say("The login for %s is at %s://%s%s", r.options.Upstream, scheme, at, others)
	if base := p.login.BaseURL; base != nil && base.Host != at {
		say("Users open %s", base)
	}
	for _, rule := range protection(p.login) {
		say("  %s", rule)
	}
	if back := callback(p.login); back != "" {
		say("Callback URL to register with the provider: %s", back)
	}
	say("Press Ctrl-C to stop it.")
}

// reachable is the address to use in a browser on this machine, and a note about other addresses.
func reachable(a net.Addr) (address, others string) {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port)), ", and at every other address of this machine"
	}
	return a.String(), ""
}

// wait serves until a signal or an error ends it.
func (r *running) wait(ctx context.Context, signals <-chan os.Signal) error {
	var privateDone <-chan struct{}
	if r.private != nil {
		privateDone = r.private.Done()
	}
	for {
		select {
		case s := <-signals:
			if s != syscall.SIGHUP {
				return r.drain(ctx, s, signals)
			}
			r.reload(ctx)
		case <-r.public.Done():
			return failure.Failedf("the proxy cannot continue: %w", r.public.Err())
		case <-privateDone:
			return failure.Failedf("the proxy cannot continue: %w", r.private.Err())
		}
	}
}

// drain lets in-flight requests finish, and cuts what is left at the time limit or on a second signal. WebSockets,
// which never finish, are closed.
func (r *running) drain(ctx context.Context, first os.Signal, signals <-chan os.Signal) error {
	r.draining.Store(true)
	limit := r.options.ShutdownTimeout
	r.log.LogAttrs(ctx, slog.LevelInfo, "stopping", slog.String("signal", first.String()), slog.Duration("timeout", limit))
	finish, cut := context.WithTimeout(ctx, limit)
	defer cut()
	done := make(chan error, 1)
	go func() { done <- r.public.Shutdown(finish) }()
	var err error
	for waiting := true; waiting; {
		select {
		case err = <-done:
			waiting = false
		case s := <-signals:
			if s != syscall.SIGHUP {
				cut()
			}
		}
	}
	if err != nil {
		r.log.LogAttrs(ctx, slog.LevelWarn, "unfinished requests were cut")
	}
	if first == os.Interrupt {
		return failure.New(failure.Interrupted, "stopped")
	}
	r.log.LogAttrs(ctx, slog.LevelInfo, "stopped")
	return nil
}
