package proxycmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/ploomber/ploomber-cloud/internal/failure"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
)

// running is a proxy that serves.
type running struct {
	options *Options
	log     *slog.Logger
	proxy   *authproxy.Proxy
	servers []*http.Server
	failed  chan error // why a server ended by itself
}

// serve runs the proxy until a signal ends it: with nil after SIGTERM, which is how machines say that it is no
// longer needed, as interrupted after Ctrl-C.
func (o *Options) serve(ctx context.Context, p *plan) (err error) {
	signals, stop := o.Signals()
	defer stop()
	if ctx.Err() != nil {
		return ctx.Err() // the signal came before
	}
	ctx = context.WithoutCancel(ctx) // the root's context ends with the first signal, when there is work left
	r := &running{options: o, log: o.logger(), failed: make(chan error, 2)}
	listener, err := o.listen(ctx, "listen", o.Listen)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	r.proxy, err = authproxy.New(p.login, authproxy.Options{
		Upstream: o.Upstream, Now: o.Now, Random: o.Random, Log: r.log,
	})
	if err != nil {
		return &failure.Error{Code: failure.Failed, Err: err}
	}
	defer func() { err = errors.Join(err, r.proxy.Close()) }()
	r.start(listener, authproxy.NewServer(r.proxy, r.log))
	r.announce(ctx, listener, p)
	select {
	case s := <-signals:
		return r.drain(ctx, s, signals)
	case err := <-r.failed:
		return failure.Failedf("cannot go on: %w", err)
	}
}

func (o *Options) listen(ctx context.Context, flag, address string) (net.Listener, error) {
	l, err := o.Machine.Listen(ctx, address)
	if err != nil {
		return nil, failure.Failedf("%s: %w", o.named(flag), err)
	}
	return l, nil
}

func (r *running) start(l net.Listener, s *http.Server) {
	r.servers = append(r.servers, s)
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	}()
}

// announce logs what is served, where, and who may see it.
func (r *running) announce(ctx context.Context, l net.Listener, p *plan) {
	r.log.LogAttrs(ctx, slog.LevelInfo, "serving", slog.String("listen", l.Addr().String()),
		slog.String("upstream", r.options.Upstream), slog.Any("protected", protection(p.login)))
	if open(p.login) {
		r.log.LogAttrs(ctx, slog.LevelWarn, "NOTHING IS PROTECTED: everybody who reaches this address sees the app")
	}
}

// drain lets requests finish, and closes what is left after the time for that, or at once after another signal.
func (r *running) drain(ctx context.Context, first os.Signal, signals <-chan os.Signal) error {
	r.log.LogAttrs(ctx, slog.LevelInfo, "stopping", slog.String("signal", first.String()),
		slog.Duration("timeout", r.options.ShutdownTimeout))
	ctx, cancel := context.WithTimeout(ctx, r.options.ShutdownTimeout)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, s := range r.servers {
			if s.Shutdown(ctx) != nil {
				_ = s.Close()
			}
		}
	}()
	select {
	case <-done:
	case <-signals:
		cancel()
		<-done
	}
	if first == os.Interrupt {
		return failure.New(failure.Interrupted, "stopped")
	}
	return nil
}
