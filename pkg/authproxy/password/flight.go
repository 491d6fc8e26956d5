package password

import (
	"context"
	"time"
)

// flight is the verification of one credential, however many requests and addresses wait for it: a browser sends
// many at once, and so do many visitors when an app has just started. The requests take turns, and the first that
// sees it through has done it for all; one that is cancelled hands its turn on.
type flight struct {
	turn    chan struct{} // holds a place for who has it
	verdict Verdict       // Right, Wrong, or None until it is known; guarded by turn
	waiting int           // requests; guarded by Checker.mu
}

// verify finds out whether a credential is right that is not known to be.
func (c *Checker) verify(ctx context.Context, v *verifiers, t *try) Result {
	f, verdict := c.join(t)
	if f == nil {
		if verdict == Right {
			c.limits.welcome(t.area, t.name, t.from, c.now())
		}
		return t.result(v, verdict)
	}
	defer c.leave(t.key, f)
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return Result{Verdict: Busy}
	}
	defer func() { <-f.turn }()
	switch f.verdict {
	case Right:
		c.limits.welcome(t.area, t.name, t.from, c.now())
		return t.result(v, Right)
	case Wrong: // one guess, however many asked: it has been counted
		return t.result(v, Wrong)
	default:
		return c.look(ctx, v, t, f)
	}
}

// join returns the flight of a credential, or a verdict where there is none: Right where it has landed meanwhile,
// Busy where too many others are under way.
func (c *Checker) join(t *try) (*flight, Verdict) {
	now := c.now()
	room := maxFlights
	if !c.limits.trusts(t.area, t.name, t.from, now) {
		room -= reserved
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.verified[t.key]) {
		return nil, Right
	}
	f, ok := c.flights[t.key]
	if !ok {
		if len(c.flights) >= room {
			return nil, Busy
		}
		f = &flight{turn: make(chan struct{}, 1)}
		c.flights[t.key] = f
	}
	f.waiting++
	return f, None
}

func (c *Checker) leave(key Key, f *flight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting == 0 && c.flights[key] == f {
		delete(c.flights, key)
	}
}

// look computes the hash, for which it needs a core and a try that counts for its own address.
func (c *Checker) look(ctx context.Context, v *verifiers, t *try, f *flight) Result {
	attempt, wait := c.limits.begin(t.area, t.name, t.from, c.now())
	if wait > 0 {
		return Result{Verdict: Locked, Wait: wait}
	}
	select {
	case c.cores <- struct{}{}:
	case <-ctx.Done():
		attempt.undo()
		return Result{Verdict: Busy}
	}
	right := v.check(t.name, t.password, c.compare)
	<-c.cores
	now := c.now()
	if right {
		f.verdict = Right
		attempt.right(now)
	} else {
		f.verdict = Wrong
		attempt.wrong(now)
	}
	c.land(t.key, f, now)
	return t.result(v, f.verdict)
}

// land ends a flight for those who have not joined it yet: in one step with what they find instead, so that no
// credential is checked twice.
func (c *Checker) land(key Key, f *flight, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.flights, key)
	if f.verdict != Right {
		return
	}
	if len(c.verified) >= maxVerified {
		clear(c.verified)
	}
	c.verified[key] = now.Add(verifiedFor)
}

// known reports whether a credential was found right a moment ago, and lets it be known for longer.
func (c *Checker) known(t *try, now time.Time) bool {
	visitor := t.key
	for i, b := range t.from.As16() {
		visitor[i] ^= b
	}
	c.mu.RLock()
	right := now.Before(c.verified[t.key])
	noted := now.Before(c.welcomed[visitor])
	c.mu.RUnlock()
	if !right || noted && c.limits.idle() {
		return right
	}
	c.limits.welcome(t.area, t.name, t.from, now)
	if !noted {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.verified[t.key] = now.Add(verifiedFor)
		if len(c.welcomed) >= maxTrusted {
			clear(c.welcomed)
		}
		c.welcomed[visitor] = now.Add(renewedAfter)
	}
	return true
}
