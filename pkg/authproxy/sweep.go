package authproxy

import (
	"slices"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// sweepEvery is how often sessions of what is open are looked at.
const sweepEvery = time.Second

// useEvery is how often the traffic of what is open counts as use.
const useEvery = 5 * time.Second

// sweep closes what is open of sessions that have expired, of tokens too, what a new policy does not let be open, and
// requests whose visitors have gone. It renews tokens whose time has come, and keeps the sessions of busy ones alive.
func (l *live) sweep(now time.Time) {
	l.sweeping.Lock()
	defer l.sweeping.Unlock()
	l.grow()
	var look, wait, out []*opened
	l.mu.Lock()
	pol := l.policy() // nothing that is open has a newer one
	for _, set := range l.open {
		for t := range set {
			barred := t.policy != pol && !t.stays(pol) || t.bearer != nil && !now.Before(t.bearer.expires)
			if barred && !t.hasEnd() {
				out = append(out, t)
				continue
			}
			if t.session.Load() != nil {
				look = append(look, t)
			}
			if t.visitor != nil {
				wait = append(wait, t)
			}
			t.policy = pol
		}
	}
	l.mu.Unlock()
	for _, t := range wait {
		if t.visitor.Gone() {
			out = append(out, t)
		}
	}
	for _, t := range out {
		_ = t.conn.Close()
	}
	for _, t := range look {
		switch s := t.session.Load(); {
		case t.ended(s, now) || pol.outlived(t.path, t.session.Load(), now):
			l.end(s.Key)
		case pol.due(t.path, t.session.Load(), now):
			l.renew(pol, t.session.Load(), pol.rules.Scope(t.path).Name)
		}
	}
}

// hasEnd reports that it is a request, and no stream of events: it may come to its end when a reload or the time of a
// token no longer lets it be made.
func (t *opened) hasEnd() bool { return t.transfer != nil && !t.endless.Load() }

// stays reports whether pol lets be open what was opened under an older policy. A session under a secret that is gone
// could not be found any more.
func (t *opened) stays(pol *policy) bool {
	if a := pol.rules.Scope(t.path); t.basic != nil {
		return a.Open() || pol.holds(a, t.basic)
	}
	s := t.session.Load()
	return pol.lets(t.path, s, t.bearer) && (s == nil || slices.Contains(pol.keys, *t.under))
}

// ended reports whether the session of t has ended, in whichever process that was. Traffic counts as its use, now and
// then: else it ends when nothing else uses it.
func (t *opened) ended(s *session.Session, now time.Time) bool {
	if !now.Before(s.Expires) {
		return true
	}
	if t.transfer != nil && t.transfer.Moved() {
		t.Active()
	}
	about := t.live.sessions.Look
	if t.active.Load() && now.Sub(t.quiet) >= min(s.Idle/10, useEvery) {
		t.active.Store(false)
		t.quiet, about = now, t.live.sessions.Use
	}
	return !t.ask(about, now)
}

// run sweeps until done is closed.
func (l *live) run(done <-chan struct{}) {
	ticker := time.NewTicker(sweepEvery)
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
