package authproxy

import (
	"context"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

var _ upstream.Hooks = (*request)(nil)

// ModifyResponse implements upstream.Hooks: it removes from the headers of the app's response what only the proxy may set, and
// adds what keeps the session safe.
func (x *request) ModifyResponse(status int, h http.Header) {
	if kind := h["Content-Type"]; x.inFlight != nil && len(kind) == 1 && strings.HasPrefix(kind[0], "text/event-stream") {
		x.inFlight.Stream()
	}
	cookie.RemoveSet(h)
	x.fixRedirect(h)
	x.ProtectResponse(status, h)
}

// Begin implements upstream.Hooks: it registers the request, so that it can end with its session.
func (x *request) Begin(ctx context.Context, t upstream.Transfer) {
	x.inFlight = x.proxy.inFlight.Add(ctx, x.proxy.auth.Owner(&x.State), t)
}

// Done implements upstream.Hooks: the request is no longer in flight.
func (x *request) Done() {
	if x.inFlight != nil { // nil for a WebSocket, see Upgrade
		x.inFlight.Remove()
	}
}

// Upgrade implements upstream.Hooks: it registers a WebSocket, so that it ends with its session.
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
