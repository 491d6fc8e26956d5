// Package registry tracks requests, event streams and WebSockets while they are in flight, and ends them together with
// the session that they belong to. It knows neither sessions nor access policies: it asks the Owner of each connection.
package registry

import (
	"context"
	"io"
	"sync"
	"time"
)

// Key names a session. The zero Key stands for none.
type Key [32]byte

// Transfer is what carries a request, an event stream or a WebSocket. Its methods may be called by any goroutine, and
// do nothing once the transfer is over.
type Transfer interface {
	io.Closer    // ends it
	Moved() bool // whether bytes have moved since the last call, or may have
}

// Owner is who a connection is open for. Owners are immutable: when a session gets a successor, its connections get
// another owner.
type Owner interface {
	// Key is that of the session, zero without one.
	Key() Key
	// Check decides about a connection. It is called every time the reaper runs, so it must be cheap.
	Check(now time.Time) Verdict
	// Alive asks the session store whether the session is alive; with use this counts as a use of it. It may take a while, and
	// may Move the session's connections.
	Alive(now time.Time, use bool) bool
	// IdleTimeout is after how long without use the session ends.
	IdleTimeout() time.Duration
}

// Verdict is what becomes of a connection.
type Verdict int

// The verdicts.
const (
	Keep Verdict = iota
	Deny         // it is no longer allowed: WebSockets and event streams end, other requests may finish
	End          // its session is over, and ends with all its connections
)

// Registry holds what is in flight. It is safe for concurrent use.
type Registry struct {
	now     func() time.Time
	reaping sync.Mutex // one run of the reaper at a time

	mu     sync.Mutex
	byKey  map[Key]map[*Connection]struct{}
	closed bool
}

// New returns an empty registry. now is its clock.
func New(now func() time.Time) *Registry {
	return &Registry{now: now, byKey: map[Key]map[*Connection]struct{}{}}
}

// Add registers a request until Remove. ctx ends when the client disconnects: the reaper then ends the transfer.
func (r *Registry) Add(ctx context.Context, o Owner, t Transfer) *Connection {
	c := &Connection{registry: r, ctx: ctx, owner: o, transfer: t}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.insert(c)
	return c
}

func (r *Registry) insert(c *Connection) {
	key := c.owner.Key()
	if r.byKey[key] == nil {
		r.byKey[key] = map[*Connection]struct{}{}
	}
	r.byKey[key][c] = struct{}{}
}

// End ends all connections of a session.
func (r *Registry) End(key Key) {
	r.mu.Lock()
	ended := r.byKey[key]
	delete(r.byKey, key)
	for c := range ended {
		c.ended = true
	}
	r.mu.Unlock()
	for c := range ended {
		_ = c.transfer.Close()
	}
}

// Move hands the connections of a session over to its successor, which may have the same key. adopt returns the new
// owner of a connection, or nil where the successor does not allow it: the connection then ends.
func (r *Registry) Move(from Key, adopt func(Owner) Owner) {
	var denied []*Connection
	r.mu.Lock()
	moving := r.byKey[from]
	delete(r.byKey, from)
	for c := range moving {
		if o := adopt(c.owner); o != nil {
			c.owner = o
			r.insert(c)
		} else {
			c.ended = true
			denied = append(denied, c)
		}
	}
	r.mu.Unlock()
	for _, c := range denied {
		_ = c.transfer.Close()
	}
}

// Close ends all WebSockets and lets no new ones in. Requests go on until they finish or their client disconnects.
func (r *Registry) Close() {
	var sockets []*Connection
	r.mu.Lock()
	r.closed = true
	for _, connections := range r.byKey {
		for c := range connections {
			if c.kind == webSocket {
				sockets = append(sockets, c)
			} else {
				context.AfterFunc(c.ctx, func() { _ = c.transfer.Close() }) // the reaper runs no longer
			}
		}
	}
	r.mu.Unlock()
	for _, c := range sockets {
		_ = c.transfer.Close()
	}
}
