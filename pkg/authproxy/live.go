package authproxy

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
)

// live knows the open WebSockets of each session and closes them when it ends (security classes 9 and 13).
type live struct {
	store    session.Store
	now      func() time.Time
	policy   func() *policy // the one in force
	observer Observer

	sweeping sync.Mutex // one sweep at a time

	mu      sync.Mutex
	tunnels map[session.Key]map[*tunnel]struct{}
	closed  bool
}

// tunnel is one open WebSocket. Traffic counts as use of its session.
type tunnel struct {
	live    *live
	session atomic.Pointer[session.Session] // nil where nobody had to log in, or a token was shown
	bearer  *bearer                         // that was shown; nil otherwise
	path    string
	conn    io.Closer
	active  atomic.Bool // since the last look
	quiet   time.Time   // since when there was no traffic; only sweep touches it
	policy  *policy     // that lets it be open; guarded by live.mu
	under   *sessionKey // that leads to its session; guarded by live.mu
}

var _ upstream.Watch = (*tunnel)(nil)

// sweepTunnels is how often sessions of open WebSockets are looked at.
const sweepTunnels = time.Second

func newLive(p *Proxy) *live {
	return &live{store: p.store, now: p.now, policy: p.policy.Load, observer: p.observer,
		tunnels: map[session.Key]map[*tunnel]struct{}{}}
}

// add takes note of a WebSocket; false where its session has ended meanwhile, or the proxy is closed.
func (l *live) add(x *exchange, c io.Closer) (upstream.Watch, bool) {
	t := &tunnel{live: l, bearer: x.bearer, path: x.path, conn: c, quiet: l.now(), policy: x.policy, under: &x.policy.keys[0]}
	if t.bearer == nil {
		t.session.Store(x.session)
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, false
	}
	key := t.key()
	if l.tunnels[key] == nil {
		l.tunnels[key] = map[*tunnel]struct{}{}
	}
	l.tunnels[key][t] = struct{}{}
	l.mu.Unlock()
	l.observer.WebSockets(1)
	// Only now: a logout between the check of the session and this line has found nothing to close.
	if s := t.session.Load(); s != nil {
		if _, err := l.store.Use(context.Background(), s.Key, l.now()); errors.Is(err, session.ErrNotFound) {
			t.End()
			return nil, false
		}
	}
	return t, true
}

func (t *tunnel) key() session.Key {
	if s := t.session.Load(); s != nil {
		return s.Key
	}
	return session.Key{}
}

// Active notes traffic.
func (t *tunnel) Active() {
	if !t.active.Load() {
		t.active.Store(true)
	}
}

// End forgets a WebSocket that has closed.
func (t *tunnel) End() {
	l := t.live
	l.observer.WebSockets(-1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if set := l.tunnels[t.key()]; set != nil {
		delete(set, t)
		if len(set) == 0 {
			delete(l.tunnels, t.key())
		}
	}
}

// end closes the WebSockets of a session.
func (l *live) end(key session.Key) {
	l.mu.Lock()
	set := l.tunnels[key]
	delete(l.tunnels, key)
	l.mu.Unlock()
	for t := range set {
		_ = t.conn.Close()
	}
}

// move hands the WebSockets of one session over to the one that takes its place, as far as pol lets them be open
// with what that one grants. It is false where there are none.
func (l *live) move(from session.Key, to *session.Session, pol *policy) bool {
	var out []*tunnel
	defer func() { // not under the lock: it may take a while
		for _, t := range out {
			_ = t.conn.Close()
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	set := l.tunnels[from]
	if set == nil {
		return false
	}
	if from != to.Key {
		delete(l.tunnels, from)
	}
	for t := range set {
		t.session.Store(to)
		if t.policy, t.under = pol, &pol.keys[0]; !pol.lets(t.path, to, nil) {
			out = append(out, t)
		}
	}
	for t := range l.tunnels[to.Key] { // opened by a request that was faster
		set[t] = struct{}{}
	}
	l.tunnels[to.Key] = set
	return true
}

// sweep closes the WebSockets of sessions that have expired, of tokens too, and those that a new policy does not let
// be open. It keeps the sessions of busy ones alive.
func (l *live) sweep(now time.Time) {
	l.sweeping.Lock()
	defer l.sweeping.Unlock()
	pol := l.policy()
	var look, out []*tunnel
	l.mu.Lock()
	for _, set := range l.tunnels {
		for t := range set {
			switch {
			case t.policy != pol && !t.stays(pol), t.bearer != nil && !now.Before(t.bearer.expires):
				out = append(out, t)
				continue
			case t.session.Load() != nil:
				look = append(look, t)
			}
			t.policy = pol
		}
	}
	l.mu.Unlock()
	for _, t := range out {
		_ = t.conn.Close()
	}
	for _, t := range look {
		if s := t.session.Load(); t.expired(s, now) || pol.outlived(t.path, s, now) {
			l.end(s.Key)
		}
	}
}

// stays reports whether pol lets a WebSocket be open that was opened under an older policy. A session under a secret
// that is gone could not be found any more.
func (t *tunnel) stays(pol *policy) bool {
	s := t.session.Load()
	return pol.lets(t.path, s, t.bearer) && (s == nil || pol.keys.knows(*t.under))
}

// expired asks the store only when it must: at the session's end, and once a tenth of its idle time to say that
// it is in use or to learn whether something else is using it.
func (t *tunnel) expired(s *session.Session, now time.Time) bool {
	if !now.Before(s.Expires) {
		return true
	}
	since := now.Sub(t.quiet)
	if since < s.Idle && (since < s.Idle/10 || !t.active.Load()) {
		return false
	}
	t.active.Store(false)
	_, err := t.live.store.Use(context.Background(), s.Key, now)
	t.quiet = now
	return errors.Is(err, session.ErrNotFound)
}

// run sweeps until done is closed.
func (l *live) run(done <-chan struct{}) {
	ticker := time.NewTicker(sweepTunnels)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.sweep(l.now())
		case <-done:
			return
		}
	}
}

// close closes every WebSocket and lets no new one in.
func (l *live) close() {
	l.mu.Lock()
	l.closed = true
	all := l.tunnels
	l.tunnels = map[session.Key]map[*tunnel]struct{}{}
	l.mu.Unlock()
	for _, set := range all {
		for t := range set {
			_ = t.conn.Close()
		}
	}
}
