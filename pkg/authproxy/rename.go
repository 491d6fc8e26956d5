package authproxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// renames lead from a session's former id to the one that it got when its tokens were renewed (security class 8).
// Requests that were under way then know the former one only, and so does a browser that the answer has not
// reached: it is good for a little longer, and answers with the new one. Another process on the same store does
// not know it.
type renames struct {
	mu       sync.RWMutex
	next     map[session.Key]renamed
	underway map[session.Key]chan struct{} // renewals, by former key; closed at their end
}

type renamed struct {
	id    session.ID
	key   session.Key // of id
	until time.Time
}

const (
	keepRename = 2 * time.Minute
	maxRenames = 4 << 10
)

// begin makes the caller the one who renews the session of this key, to be ended by done. It waits while others do,
// and is false where that has given the session a new key. The error is that of ctx, which ends the wait.
func (n *renames) begin(ctx context.Context, former session.Key, now time.Time) (renamed, bool, error) {
	for {
		n.mu.Lock()
		if r, ok := n.next[former]; ok && now.Before(r.until) {
			n.mu.Unlock()
			return r, false, nil
		}
		others, busy := n.underway[former]
		if !busy {
			if n.underway == nil {
				n.underway = map[session.Key]chan struct{}{}
			}
			n.underway[former] = make(chan struct{})
			n.mu.Unlock()
			return renamed{}, true, nil
		}
		n.mu.Unlock()
		select {
		case <-others:
		case <-ctx.Done():
			return renamed{}, false, ctx.Err()
		}
	}
}

// done ends a renewal.
func (n *renames) done(former session.Key) {
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.underway[former])
	delete(n.underway, former)
}

// settle returns when no renewal of this session is under way: the store says what was before, or what comes after.
// Renewals of other sessions keep nobody waiting, however slow the store is.
func (n *renames) settle(former session.Key) { n.settleWithin(context.Background(), former) }

// settleWithin is settle for somebody who may leave meanwhile; it is false then.
func (n *renames) settleWithin(ctx context.Context, former session.Key) bool {
	n.mu.RLock()
	others, busy := n.underway[former]
	n.mu.RUnlock()
	if busy {
		select {
		case <-others:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// get returns the id that a session has got after this key. It waits for a renewal that is under way, until ctx ends.
func (n *renames) get(ctx context.Context, former session.Key, now time.Time) (session.ID, bool) {
	if !n.settleWithin(ctx, former) {
		return "", false
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	r, ok := n.next[former]
	return r.id, ok && now.Before(r.until)
}

// after returns the key that a session got after this one. It waits for a renewal that is under way, however long that
// takes, so that who ends a session ends what has taken its place as well (security class 9).
func (n *renames) after(former session.Key) (session.Key, bool) {
	n.settle(former)
	n.mu.RLock()
	defer n.mu.RUnlock()
	r, ok := n.next[former]
	return r.key, ok
}

func (n *renames) put(former session.Key, id session.ID, key session.Key, now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.next == nil {
		n.next = map[session.Key]renamed{}
	}
	for key, r := range n.next {
		if len(n.next) >= maxRenames || !now.Before(r.until) {
			delete(n.next, key)
		}
	}
	n.next[former] = renamed{id, key, now.Add(keepRename)}
}

// rename stores s, whose key is its former one, under a new id, which the answer hands out. Of requests that come at
// once the first does it, and the others take over what it has stored. It returns nil where the session has ended
// meanwhile.
func (p *Proxy) rename(r *http.Request, x *exchange, s session.Session) (*session.Session, error) {
	former := s.Key
	n, first, err := p.renames.begin(r.Context(), former, x.now)
	switch {
	case err != nil:
		return nil, err
	case !first:
		return p.under(r, x, n.id), nil
	}
	defer p.renames.done(former)
	id, err := session.NewID(p.random)
	if err != nil {
		return nil, err
	}
	s.Key = x.policy.keys[0].of(id)
	switch err := p.store.Put(context.WithoutCancel(r.Context()), &s, former); {
	case errors.Is(err, session.ErrNotFound):
		return nil, nil //nolint:nilnil // it has ended, which is no failure
	case err != nil:
		return nil, err
	}
	p.renames.put(former, id, s.Key, x.now)
	p.handOver(r, x, former, &s)
	x.handOut(id, &s)
	return &s, nil
}

// former returns the session that had this key until a moment ago, nil where there is none.
func (p *Proxy) former(r *http.Request, x *exchange, key session.Key) *session.Session {
	id, ok := p.renames.get(r.Context(), key, x.now)
	if !ok {
		return nil
	}
	return p.under(r, x, id)
}

// under returns the session of an id that the browser may not know yet, and hands it out. It may have been renewed
// again since: the newest id counts.
func (p *Proxy) under(r *http.Request, x *exchange, id session.ID) *session.Session {
	s := p.lookup(r, x, id)
	if s != nil && x.fresh == nil {
		x.handOut(id, s)
	}
	return s
}

// handOut gives the browser the id of a session with the answer.
func (x *exchange) handOut(id session.ID, s *session.Session) {
	x.fresh = []string{x.proxy.cookie(cookieSession, string(id), x.https, s.Expires.Sub(x.now))}
}
