package authproxy

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

// lookTimeout bounds one look at whether the app takes connections.
const lookTimeout = 2 * time.Second

// WatchApp looks at once, and then at each tick while the app takes no connection, whether it does. The log tells when
// that changes, however many requests notice it: so an administrator who starts the proxy first or with a wrong address learns of it
// before users do. WatchApp returns when ctx ends.
func (p *Proxy) WatchApp(ctx context.Context, tick <-chan time.Time) {
	p.lookAtApp(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if p.backend.Load().silent.Load() { // a healthy app is not disturbed: requests notice when it goes
				p.lookAtApp(ctx)
			}
		}
	}
}

func (p *Proxy) lookAtApp(ctx context.Context) {
	b := p.backend.Load()
	if b.state != running {
		return
	}
	limited, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := p.forwarder.Reach(limited, b.target)
	switch {
	case ctx.Err() != nil: // says nothing about the app
	case err != nil:
		p.appSilent(ctx, b, err)
	default:
		p.appBack(ctx, b)
	}
}

// appSilent notes that the app takes no connection.
func (p *Proxy) appSilent(ctx context.Context, b *backend, err error) {
	if b.silent.CompareAndSwap(false, true) {
		p.log.LogAttrs(ctx, slog.LevelWarn, "app does not answer; requests get an error page until it does",
			slog.String("upstream", cmp.Or(b.target.Socket, b.target.Address)), slog.String("error", err.Error()))
	}
}

// appBack notes that the app takes connections again.
func (p *Proxy) appBack(ctx context.Context, b *backend) {
	if b.silent.CompareAndSwap(true, false) {
		p.log.LogAttrs(ctx, slog.LevelInfo, "app answers", slog.String("upstream", cmp.Or(b.target.Socket, b.target.Address)))
	}
}
