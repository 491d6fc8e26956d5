package authproxy

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// backend is the app at one address, or the reason why there is none.
type backend struct {
	target   upstream.Target
	state    state
	answered atomic.Bool // it has been reached at least once
	silent   atomic.Bool // it accepted no connection the last time; changes are logged
}

type state int

const (
	running  state = iota
	starting       // there is no address yet
	down           // there is no address any more
)

// SetUpstream sends requests from now on to another base URL, http or https with host and port or the path of a Unix
// socket, see upstream.ParseTarget; those in flight stay where they are.
func (p *Proxy) SetUpstream(base string) error {
	target, err := upstream.ParseTarget(base)
	if err != nil {
		return err
	}
	p.backend.Store(&backend{target: target})
	return nil
}

// SetStarting shows users who have logged in that the app is starting.
func (p *Proxy) SetStarting() { p.backend.Store(&backend{state: starting}) }

// SetDown shows users who have logged in that the app has stopped.
func (p *Proxy) SetDown() { p.backend.Store(&backend{state: down}) }

// connectTimeout is how long one check whether the app accepts connections may take.
const connectTimeout = 2 * time.Second

// WatchApp checks whether the app accepts connections: at once, and at each tick while it does not. The log tells when that
// changes, once however many requests notice it, so that an administrator who starts the proxy first, or with a wrong
// address, learns of it before users do. WatchApp returns when ctx ends.
func (p *Proxy) WatchApp(ctx context.Context, tick <-chan time.Time) {
	p.checkApp(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick:
			if p.backend.Load().silent.Load() { // requests notice when a healthy app goes
				p.checkApp(ctx)
			}
		}
	}
}

func (p *Proxy) checkApp(ctx context.Context) {
	b := p.backend.Load()
	if b.state != running {
		return
	}
	limited, cancel := context.WithTimeout(ctx, connectTimeout)
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

// appSilent notes that the app accepts no connections.
func (p *Proxy) appSilent(ctx context.Context, b *backend, err error) {
	if b.silent.CompareAndSwap(false, true) {
		p.log.LogAttrs(ctx, slog.LevelWarn, "app does not answer; requests get an error page until it does",
			slog.String("upstream", cmp.Or(b.target.Socket, b.target.Address)), slog.String("error", err.Error()))
	}
}

// appBack notes that the app accepts connections again.
func (p *Proxy) appBack(ctx context.Context, b *backend) {
	if b.silent.CompareAndSwap(true, false) {
		p.log.LogAttrs(ctx, slog.LevelInfo, "app answers", slog.String("upstream", cmp.Or(b.target.Socket, b.target.Address)))
	}
}
