package registry

import (
	"context"
	"time"
)

type kind int

const (
	request     kind = iota
	eventStream      // a response without an end
	webSocket
)

// Connection is a request, an event stream or a WebSocket that is in flight.
type Connection struct {
	registry *Registry
	ctx      context.Context // of the request

	// Guarded by registry.mu.
	owner    Owner
	transfer Transfer // written by Upgrade only
	kind     kind
	ended    bool

	// Used by the reaper only.
	moved   bool      // bytes have moved since lastUse
	lastUse time.Time // of the session, for this connection; zero before the first
}

// Stream notes that the response is an event stream.
func (c *Connection) Stream() {
	c.registry.mu.Lock()
	defer c.registry.mu.Unlock()
	c.kind = eventStream
}

// Upgrade turns a request into the WebSocket that t carries. It is false where that must not be opened: the session has
// ended meanwhile, or the registry is closed.
func (c *Connection) Upgrade(t Transfer) bool {
	r := c.registry
	r.mu.Lock()
	if r.closed || c.ended {
		r.mu.Unlock()
		return false
	}
	c.kind, c.transfer = webSocket, t
	r.mu.Unlock()
	return c.confirm()
}

// confirm asks whether the session is alive: it may have ended between the authentication of the request and Add, when
// End found nothing to end.
func (c *Connection) confirm() bool {
	for {
		o, ok := c.currentOwner()
		if !ok {
			return false
		}
		if o.Key() == (Key{}) || o.Alive(c.registry.now(), true) {
			return true
		}
		if after, ok := c.currentOwner(); !ok || after == o { // else it has been replaced meanwhile
			return false
		}
	}
}

// currentOwner is false where the connection has been ended.
func (c *Connection) currentOwner() (Owner, bool) {
	c.registry.mu.Lock()
	defer c.registry.mu.Unlock()
	return c.owner, !c.ended
}

// Remove forgets a connection that is over. It may be called more than once.
func (c *Connection) Remove() {
	r := c.registry
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	key := c.owner.Key()
	connections := r.byKey[key]
	if delete(connections, c); len(connections) == 0 {
		delete(r.byKey, key)
	}
}
