package authproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// backend is the app behind the proxy at one moment.
type backend struct {
	target   upstream.Target
	state    state
	answered atomic.Bool // it has been reached at least once
	silent   atomic.Bool // it took no connection the last time; changes are logged
}

type state int

const (
	running  state = iota
	starting       // there is nothing to ask yet
	down           // there is nothing to ask any more
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

// forward is the last handler: the app, or a page that says why there is none.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, x *request) {
	b := p.backend.Load()
	switch b.state {
	case starting:
		x.ModifyResponse(http.StatusServiceUnavailable, w.Header())
		p.pages.Starting(w, r)
		return
	case down:
		x.ModifyResponse(http.StatusBadGateway, w.Header())
		p.pages.Down(w, r)
		return
	}
	x.toApp(r)
	err := p.forwarder.Forward(w, r, b.target, x)
	switch {
	case err == nil:
		if !b.answered.Load() {
			b.answered.Store(true)
		}
		if b.silent.Load() {
			p.appBack(r.Context(), b)
		}
	case r.Context().Err() != nil, errors.Is(err, upstream.ErrBroken):
		// The client has disconnected, or must not take a part for the whole: the server cuts the connection.
		if r.Context().Err() == nil && !errors.Is(err, upstream.ErrEnded) {
			p.logUpstream(r, err)
		}
		panic(http.ErrAbortHandler)
	case errors.Is(err, upstream.ErrEnded):
		p.pages.Refuse(w, r, http.StatusUnauthorized, "The session ended before the app responded.")
	default:
		x.ModifyResponse(http.StatusBadGateway, w.Header()) // the app has not answered, so nobody has
		p.explain(w, r, b, err)
	}
}

// explain is the page for a request that the app has not answered.
func (p *Proxy) explain(w http.ResponseWriter, r *http.Request, b *backend, err error) {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate): // which does not mend itself
		p.logUpstream(r, err)
		p.pages.Refuse(w, r, http.StatusBadGateway, "The app's certificate is not trusted.")
	case errors.Is(err, upstream.ErrBody):
		p.pages.Refuse(w, r, http.StatusBadRequest, "The request body is incomplete.")
	case errors.Is(err, upstream.ErrUnreachable) && !b.answered.Load():
		p.appSilent(r.Context(), b, err)
		p.pages.Starting(w, r)
	case errors.Is(err, upstream.ErrUnreachable):
		p.observer.Count(observe.AppError)
		p.appSilent(r.Context(), b, err)
		p.pages.Down(w, r)
	case errors.Is(err, context.DeadlineExceeded):
		p.logUpstream(r, err)
		p.pages.Refuse(w, r, http.StatusGatewayTimeout, "The app took too long to respond.")
	default:
		p.logUpstream(r, err)
		p.pages.Refuse(w, r, http.StatusBadGateway, "The app sent an invalid response.")
	}
}

func (p *Proxy) logUpstream(r *http.Request, err error) {
	p.observer.Count(observe.AppError)
	p.log.Request(r, slog.LevelWarn, "app not reached", slog.String("error", err.Error()))
}

// ModifyResponse adds what the proxy has to say to the headers of the app's response. It implements upstream.Hooks.
func (x *request) ModifyResponse(status int, h http.Header) {
	if kind := h["Content-Type"]; x.inFlight != nil && len(kind) == 1 && strings.HasPrefix(kind[0], "text/event-stream") {
		x.inFlight.Stream()
	}
	cookie.RemoveSet(h)
	x.fromApp(h)
	x.ProtectResponse(status, h)
}

// Begin registers the request, which goes to the app now. It implements upstream.Hooks.
func (x *request) Begin(ctx context.Context, t upstream.Transfer) {
	x.inFlight = x.proxy.inFlight.Add(ctx, x.proxy.auth.Owner(&x.State), t)
}

// Done implements upstream.Hooks.
func (x *request) Done() {
	if x.inFlight != nil { // else it has become a WebSocket
		x.inFlight.Remove()
	}
}

// Upgrade implements upstream.Hooks: it keeps track of a WebSocket, so that it ends with its session.
func (x *request) Upgrade(t upstream.Transfer) (closed func(), ok bool) {
	if !x.inFlight.Upgrade(t) {
		return nil, false
	}
	x.writer.status = http.StatusSwitchingProtocols
	webSocket, observer := x.inFlight, x.proxy.observer
	x.inFlight = nil // it outlives the request
	observer.WebSockets(1)
	return func() {
		webSocket.Remove()
		observer.WebSockets(-1)
	}, true
}
