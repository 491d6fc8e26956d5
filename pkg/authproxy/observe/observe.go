// Package observe is how a proxy reports what happens: counters, and log lines about requests. It does not know where they
// go.
package observe

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/requestid"
)

// Observer counts what happens, for metrics. Its methods are called by many goroutines at once and for every
// request: they must not block. Nothing that they are told identifies a user.
type Observer interface {
	// Count is called when something has happened that is worth counting.
	Count(e Event)
	// Request is called at the end of every request with the status of the response and how long it took. A WebSocket
	// ends with its handshake here, with status 101. It is not called for a request that was cut off.
	Request(status int, took time.Duration)
	// WebSockets is called with 1 when a WebSocket opens and with -1 when it has closed.
	WebSockets(change int)
}

// Event is something that an Observer counts; its text may serve as a label.
type Event string

// The events.
const (
	Login    Event = "login"     // a user has logged in and got a session
	Refused  Event = "refused"   // wrong credentials, an invalid token, or denied by the provider or the access rules
	Logout   Event = "logout"    // a session was ended by its owner, by the provider or by an expired token
	AppError Event = "app_error" // the app could not be reached, or its response was invalid
)

// Events lists all events, so that their counters can start at zero.
func Events() []Event { return []Event{Login, Refused, Logout, AppError} }

// Discard is an Observer that counts nothing.
type Discard struct{}

var _ Observer = Discard{}

func (Discard) Count(Event)                { /* discarded */ }
func (Discard) Request(int, time.Duration) { /* discarded */ }
func (Discard) WebSockets(int)             { /* discarded */ }

// Log is where a proxy writes.
type Log struct{ *slog.Logger }

// Request writes a line about a request.
func (l Log) Request(r *http.Request, level slog.Level, msg string, attrs ...slog.Attr) {
	if l.Enabled(r.Context(), level) {
		l.LogAttrs(r.Context(), level, msg, append(attrs, slog.String("request", r.Header.Get(requestid.Header)))...)
	}
}
