package authproxy

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/observe"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/upstream"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/visitor"
)

// live knows what is open of each session, WebSockets and requests that take long, and closes it when the session ends
// (security classes 9 and 13).
type live struct {
	sessions *session.Manager
	now      func() time.Time
	policy   func() *policy                                     // the one in force
	renew    func(pol *policy, s *session.Session, area string) // of a session that is due, in the background
	observer observe.Observer
	young    young

	sweeping sync.Mutex // one sweep at a time

	mu     sync.Mutex
	open   map[session.Key]map[*opened]struct{}
	moved  map[session.Key]moved // sessions that others have taken the place of
	closed bool
}

// opened is one open WebSocket, or one request that is taking long. Traffic counts as use of its session.
type opened struct {
	live     *live
	session  atomic.Pointer[session.Session] // nil where nobody had to log in, or credentials came with the request
	bearer   *bearer                         // that was shown; nil otherwise
	basic    *session.Grant                  // by the password that was shown; nil otherwise
	path     string
	conn     io.Closer
	transfer upstream.Transfer // the same as conn; nil for a WebSocket
	visitor  *visitor.Conn     // who waits for the answer; nil where the server finds out that they have gone
	endless  atomic.Bool       // its answer is a stream of events
	active   atomic.Bool       // since the last look
	quiet    time.Time         // since when there was no traffic; only sweep touches it
	policy   *policy           // that lets it be open; guarded by live.mu
	under    *session.Secret   // that leads to its session; guarded by live.mu
}

// maxMoved is how many of them are kept.
const maxMoved = 4 << 10

// moved says which session has taken the place of another.
type moved struct {
	to     *session.Session
	policy *policy
	until  time.Time
}

var _ upstream.Watch = (*opened)(nil)

func newLive(p *Proxy) *live {
	return &live{sessions: p.sessions, now: p.now, policy: p.policy.Load, renew: p.renewOpen, observer: p.observer,
		open: map[session.Key]map[*opened]struct{}{}, moved: map[session.Key]moved{}}
}

// newOpened is for something that x has opened. It belongs to the session of x only where that is what opens the path.
func (l *live) newOpened(x *exchange, c io.Closer) *opened {
	t := &opened{live: l, bearer: x.bearer, path: x.path, conn: c, quiet: l.now(), policy: x.policy, under: &x.policy.keys[0]}
	switch {
	case x.bearer != nil || x.scope.Open():
	case x.session != nil && x.policy.lets(x.path, x.session, nil):
		t.session.Store(x.session)
	case x.basic.Verdict == password.Right:
		t.basic = &session.Grant{Area: x.scope.Name, Fingerprint: x.scope.Fingerprint(x.basic.Name)}
	}
	return t
}

// add takes note of a WebSocket; false where its session has ended meanwhile, or the proxy is closed.
func (l *live) add(x *exchange, c io.Closer) (upstream.Watch, bool) {
	t := l.newOpened(x, c)
	if before := l.young.opened(x); before != nil { // its handshake has taken long, and may have moved with its session
		t.inherit(before)
	}
	if !l.keep(t) {
		return nil, false
	}
	l.observer.WebSockets(1)
	if !l.confirm(t) {
		t.End()
		return nil, false
	}
	return t, true
}

// inherit makes t belong to the session that another belongs to by now.
func (t *opened) inherit(other *opened) {
	t.live.mu.Lock()
	defer t.live.mu.Unlock()
	t.session.Store(other.session.Load())
	t.policy, t.under = other.policy, other.under
}

// keep files t under its session, or the one that has taken its place; false where that does not let it be open,
// or the proxy is closed.
func (l *live) keep(t *opened) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for m, ok := l.moved[t.key()]; ok; m, ok = l.moved[t.key()] {
		if !m.policy.lets(t.path, m.to, nil) {
			return false
		}
		t.session.Store(m.to)
		t.policy, t.under = m.policy, &m.policy.keys[0]
	}
	if l.closed {
		return false
	}
	key := t.key()
	if l.open[key] == nil {
		l.open[key] = map[*opened]struct{}{}
	}
	l.open[key][t] = struct{}{}
	return true
}

// confirm reports whether the session of what has been kept is alive: a log-out between the check of the
// session and that moment has found nothing to close.
func (l *live) confirm(t *opened) bool { return t.ask(l.sessions.Use, l.now()) }

// ask asks the store about the session of t, and reports whether it is alive. What the session has become since, in
// whichever process, t belongs to from then on.
func (t *opened) ask(about func(context.Context, session.Key, time.Time) (*session.Session, error), now time.Time) bool {
	l := t.live
	for s := t.session.Load(); s != nil; {
		stored, err := about(context.Background(), s.Key, now)
		switch moved := t.session.Load(); {
		case errors.Is(err, session.ErrNotFound) && moved == s:
			return false
		case errors.Is(err, session.ErrNotFound): // another login has taken its place
			s = moved
			continue
		case err == nil && (stored.Key != s.Key || stored.Version != s.Version):
			l.move(s.Key, stored, l.policy())
		}
		return true
	}
	return true
}

func (t *opened) key() session.Key {
	if s := t.session.Load(); s != nil {
		return s.Key
	}
	return session.Key{}
}

// Active notes traffic.
func (t *opened) Active() {
	if !t.active.Load() {
		t.active.Store(true)
	}
}

// End forgets what has closed.
func (t *opened) End() {
	l := t.live
	if t.transfer == nil {
		l.observer.WebSockets(-1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if set := l.open[t.key()]; set != nil {
		delete(set, t)
		if len(set) == 0 {
			delete(l.open, t.key())
		}
	}
}

// end closes what is open of a session.
func (l *live) end(key session.Key) {
	l.mu.Lock()
	set := l.open[key]
	delete(l.open, key)
	l.mu.Unlock()
	for t := range set {
		_ = t.conn.Close()
	}
}

// move hands what is open of one session over to the one that takes its place, as far as pol lets it be open with what
// that one grants. It is false where there is nothing.
func (l *live) move(from session.Key, to *session.Session, pol *policy) bool {
	var out []*opened
	defer func() { // not under the lock: it may take a while
		for _, t := range out {
			_ = t.conn.Close()
		}
	}()
	l.mu.Lock()
	defer l.mu.Unlock()
	if from != to.Key {
		l.follow(from, to, pol)
	}
	set := l.open[from]
	if set == nil {
		return false
	}
	if from != to.Key {
		delete(l.open, from)
	}
	for t := range set {
		t.session.Store(to)
		if t.policy = pol; from != to.Key { // a key is kept together with the secret that it was made with
			t.under = &pol.keys[0]
		}
		if !pol.lets(t.path, to, nil) {
			out = append(out, t)
		}
	}
	for t := range l.open[to.Key] { // opened by a request that was faster
		set[t] = struct{}{}
	}
	l.open[to.Key] = set
	return true
}

// follow lets what is about to be opened by a former session find the one that has taken its place. It is called with
// mu held.
func (l *live) follow(from session.Key, to *session.Session, pol *policy) {
	now := l.now()
	for key, m := range l.moved {
		if len(l.moved) >= maxMoved || !now.Before(m.until) {
			delete(l.moved, key)
		}
	}
	delete(l.moved, to.Key) // it is back; and no round may arise
	l.moved[from] = moved{to, pol, now.Add(session.Grace)}
}

// close closes every WebSocket and lets no new one in. Requests go on.
func (l *live) close() {
	l.mu.Lock()
	l.closed = true
	all := l.open
	l.open = map[session.Key]map[*opened]struct{}{}
	l.mu.Unlock()
	for _, set := range all {
		for t := range set {
			if t.transfer == nil {
				_ = t.conn.Close()
			}
		}
	}
}
