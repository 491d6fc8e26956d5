package authproxy

import (
	"sync"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// young is a list of the requests that are with the app. Those that are still there at the next sweep count as opened
// and end with their sessions. All others, nearly every one, cost no more than their place in the list: no entry in
// a map, and no second look at the store.
type young struct {
	mu    sync.Mutex
	first *exchange
}

// carried is what a list knows of a request that is with the app. It is guarded by the list's lock.
type carried struct {
	transfer      upstream.Transfer
	before, after *exchange // in the list
	opened        *opened   // once it has left the list
	endless       bool      // the answer is a stream of events
}

// Begin notes that the request goes to the app. It implements upstream.Exchange.
func (x *exchange) Begin(t upstream.Transfer) (watched bool) {
	watched = x.connection.begin(t)
	y := &x.proxy.live.young
	y.mu.Lock()
	defer y.mu.Unlock()
	x.carried = carried{transfer: t, after: y.first}
	if y.first != nil {
		y.first.carried.before = x
	}
	y.first = x
	return watched
}

// isEndless notes that the answer is a stream of events.
func (x *exchange) isEndless() {
	y := &x.proxy.live.young
	y.mu.Lock()
	defer y.mu.Unlock()
	x.carried.endless = true
	if x.carried.opened != nil {
		x.carried.opened.endless.Store(true)
	}
}

// Done forgets the request.
func (x *exchange) Done() {
	x.connection.done()
	y := &x.proxy.live.young
	y.mu.Lock()
	t := x.carried.opened
	if t == nil {
		y.drop(x)
	}
	y.mu.Unlock()
	if t != nil {
		t.End()
	}
}

// drop takes a request off the list.
func (y *young) drop(x *exchange) {
	c := &x.carried
	if c.before == nil {
		y.first = c.after
	} else {
		c.before.carried.after = c.after
	}
	if c.after != nil {
		c.after.carried.before = c.before
	}
	c.before, c.after = nil, nil
}

// opened returns what a request has become; nil while it is young.
func (y *young) opened(x *exchange) *opened {
	y.mu.Lock()
	defer y.mu.Unlock()
	return x.carried.opened
}

// grow makes open of all requests that are with the app. One whose session has ended meanwhile ends here.
func (l *live) grow() {
	kept, out := l.grown()
	for _, t := range kept {
		if !l.confirm(t) {
			out = append(out, t)
		}
	}
	for _, t := range out {
		_ = t.conn.Close()
	}
}

func (l *live) grown() (kept, out []*opened) {
	l.young.mu.Lock()
	defer l.young.mu.Unlock()
	for x := l.young.first; x != nil; x = l.young.first {
		l.young.drop(x)
		t := l.newOpened(x, x.carried.transfer)
		t.transfer, t.visitor = x.carried.transfer, x.connection.watched()
		t.endless.Store(x.carried.endless)
		x.carried.opened = t
		if l.keep(t) {
			kept = append(kept, t)
		} else {
			out = append(out, t)
		}
	}
	return kept, out
}
