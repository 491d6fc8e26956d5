package authproxy

import (
	"context"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

var _ upstream.Hooks = (*request)(nil)

// Accepts implements upstream.Hooks.
func (x *request) Accepts(status int) bool { return x.to == nil || x.to.Accepts(status) }

// ModifyResponse implements upstream.Hooks: it removes from the headers of the app's response what only the proxy may set, and
// adds what keeps the session safe.
func (x *request) ModifyResponse(status int, h http.Header) {
	if kind := h["Content-Type"]; x.inFlight != nil && len(kind) == 1 && strings.HasPrefix(kind[0], "text/event-stream") {
		x.inFlight.Stream()
	}
	cookie.RemoveSet(h)
	x.fixRedirect(h)
	if x.to != nil {
		x.to.ModifyResponse(status, h)
	}
	x.ProtectResponse(status, h)
}

// Begin implements upstream.Hooks: it registers the request, so that it can end with its session.
func (x *request) Begin(ctx context.Context, t upstream.Transfer) {
	x.inFlight = x.proxy.inFlight.Add(ctx, x.proxy.auth.Owner(&x.State), t)
	if x.to != nil {
		x.to.Begin(ctx, t)
	}
}

// Done implements upstream.Hooks: the request is no longer in flight.
func (x *request) Done() {
	if x.inFlight != nil { // nil for a WebSocket, see Upgrade
		x.inFlight.Remove()
	}
	if x.to != nil {
		x.to.Done()
	}
}

// Upgrade implements upstream.Hooks: it registers a WebSocket, so that it ends with its session.
func (x *request) Upgrade(t upstream.Transfer) (upstream.WebSocket, bool) {
	if !x.inFlight.Upgrade(t) {
		return nil, false
	}
	open := &webSocket{inFlight: x.inFlight, observer: x.proxy.observer}
	if x.to != nil {
		var ok bool
		if open.routed, ok = x.to.Upgrade(t); !ok {
			return nil, false
		}
	}
	x.writer.status = http.StatusSwitchingProtocols
	x.inFlight = nil // it outlives the request
	open.observer.WebSockets(1)
	return open, true
}

// webSocket is an open WebSocket.
type webSocket struct {
	inFlight *registry.Connection
	observer observe.Observer
	routed   upstream.WebSocket // nil without a Router
}

// Sent implements upstream.WebSocket.
func (s *webSocket) Sent(p []byte) {
	if s.routed != nil {
		s.routed.Sent(p)
	}
}

// Closed implements upstream.WebSocket.
func (s *webSocket) Closed() {
	s.inFlight.Remove()
	s.observer.WebSockets(-1)
	if s.routed != nil {
		s.routed.Closed()
	}
}
