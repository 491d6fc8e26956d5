package authproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// forward sends the request to the app, or answers with a page that says why that is not possible.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, x *request) {
	if x.to != nil {
		p.forwardRouted(w, r, x)
		return
	}
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
	x.restoreBase(r)
	if err := p.forwarder.Forward(w, r, b.target, x); err != nil {
		p.failed(w, r, x, b, err)
		return
	}
	if !b.answered.Load() {
		b.answered.Store(true)
	}
	if b.silent.Load() {
		p.appBack(r.Context(), b)
	}
}

// failed ends a request that could not be forwarded.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, x *request, b *backend, err error) {
	switch {
	case r.Context().Err() != nil, errors.Is(err, upstream.ErrBroken):
		// The client has disconnected, or would take the part that it has got for the whole response: the server cuts the
		// connection.
		if r.Context().Err() == nil && !errors.Is(err, upstream.ErrEnded) {
			p.logUpstream(r, err)
		}
		panic(http.ErrAbortHandler)
	case errors.Is(err, upstream.ErrEnded):
		p.pages.Refuse(w, r, http.StatusUnauthorized, "The session ended before the app responded.")
	default:
		x.ModifyResponse(http.StatusBadGateway, w.Header()) // upstream has called no hook without a response
		p.explain(w, r, b, err)
	}
}

// explain answers a request that the app has not answered.
func (p *Proxy) explain(w http.ResponseWriter, r *http.Request, b *backend, err error) {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate): // trying again does not help
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
