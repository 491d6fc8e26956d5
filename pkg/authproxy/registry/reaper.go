package registry

import "time"

const (
	reapEvery = time.Second     // how often connections are checked
	useEvery  = 5 * time.Second // how often traffic counts as use of a session
)

// Run checks all connections once a second until done is closed.
func (r *Registry) Run(done <-chan struct{}) {
	ticker := time.NewTicker(reapEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			r.Reap()
		case <-done:
			return
		}
	}
}

// tracked is a connection as the reaper found it.
type tracked struct {
	*Connection
	owner    Owner
	transfer Transfer
	kind     kind
}

// Reap checks all connections once. It ends those whose client has disconnected, whose session is over, or which the
// access policy no longer allows, and keeps sessions alive whose connections are busy.
func (r *Registry) Reap() {
	r.reaping.Lock()
	defer r.reaping.Unlock()
	now := r.now()
	for _, c := range r.snapshot() {
		if c.kind != webSocket && c.ctx.Err() != nil {
			_ = c.transfer.Close()
			continue
		}
		if c.owner.Key() != (Key{}) && !c.owner.Alive(now, c.used(now)) {
			r.End(c.owner.Key()) // finds nothing where a successor has taken the connections over meanwhile
			continue
		}
		owner, ok := c.currentOwner()
		if !ok {
			continue
		}
		switch verdict := owner.Check(now); {
		case verdict == End:
			r.End(owner.Key())
		case verdict == Deny && c.kind != request:
			_ = c.transfer.Close()
		}
	}
}

func (r *Registry) snapshot() []tracked {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []tracked
	for _, connections := range r.byKey {
		for c := range connections {
			all = append(all, tracked{c, c.owner, c.transfer, c.kind})
		}
	}
	return all
}

// used reports whether the traffic of a connection counts as use of its session now.
func (c tracked) used(now time.Time) bool {
	if c.transfer.Moved() {
		c.moved = true
	}
	if !c.moved || now.Sub(c.lastUse) < min(c.owner.IdleTimeout()/10, useEvery) {
		return false
	}
	c.moved, c.lastUse = false, now
	return true
}
