package authproxy

import (
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
)

// Observer counts what happens, for metrics. Its methods are called by many goroutines at once and for every
// request: they must not block. Nothing in what it is told says who somebody is.
type Observer interface {
	// Count is called when something has happened that is worth a counter.
	Count(e Event)
	// Request is called at the end of every request with the status of the answer, 101 for a WebSocket, whose
	// own life is not part of it. It is not called for a request that broke off.
	Request(status int, took time.Duration)
	// WebSockets is called with 1 when a WebSocket opens and with -1 when it has closed.
	WebSockets(change int)
}

// Event is something that an Observer counts; its text may serve as a label.
type Event string

// The events.
const (
	EventLogin    Event = "login"     // somebody has logged in and got a session
	EventRefused  Event = "refused"   // wrong credentials or token, a provider's no, or an access rule's
	EventLogout   Event = "logout"    // a session was ended by its owner, by the provider or by an expired token
	EventAppError Event = "app_error" // the app could not be reached, or its answer not be passed on
)

// Events lists all events, so that their counters can start at zero.
func Events() []Event { return []Event{EventLogin, EventRefused, EventLogout, EventAppError} }

// unobserved is the Observer of a proxy that has none.
type unobserved struct{}

func (unobserved) Count(Event)                { /* nobody counts */ }
func (unobserved) Request(int, time.Duration) { /* nobody counts */ }
func (unobserved) WebSockets(int)             { /* nobody counts */ }

// watched answers the request and tells the Observer about it.
func (x *exchange) watched(w http.ResponseWriter, r *http.Request) {
	x.writer = statusWriter{ResponseWriter: w, status: http.StatusOK}
	if _, ok := w.(io.ReaderFrom); ok {
		x.proxy.first(splicingWriter{&x.writer}, r, x)
	} else {
		x.proxy.first(&x.writer, r, x)
	}
	x.proxy.observer.Request(x.writer.status, x.proxy.now().Sub(x.now))
	x.writer.ResponseWriter = nil
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (s *statusWriter) WriteHeader(status int) {
	if status >= http.StatusOK { // interim answers come first
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

// Flush is what a stream needs.
func (s *statusWriter) Flush() { _ = http.NewResponseController(s.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// splicingWriter is a statusWriter over a connection to which the kernel can move bytes by itself.
type splicingWriter struct{ *statusWriter }

var _ io.ReaderFrom = splicingWriter{}

func (s splicingWriter) ReadFrom(r io.Reader) (int64, error) {
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

// note writes a line about a request into the log.
func (p *Proxy) note(r *http.Request, level slog.Level, msg string, attrs ...slog.Attr) {
	if p.log.Enabled(r.Context(), level) {
		p.log.LogAttrs(r.Context(), level, msg, append(attrs, slog.String("request", r.Header.Get(requestid.Header)))...)
	}
}
