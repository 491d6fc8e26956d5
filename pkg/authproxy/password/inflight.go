package password

import (
	"context"
	"time"
)

// verification is one of a credential that is in flight, however many requests and addresses wait for it: a browser
// sends many at once, and so do many clients when an app has just started. The requests take turns, and the first that
// sees it through has done it for all; one that is cancelled hands its turn on.
type verification struct {
	turn    chan struct{} // holds a value while a request has its turn
	verdict Verdict       // Right, Wrong, or None until it is known; guarded by turn
	waiting int           // requests; guarded by Checker.mu
}

// verify finds out whether a credential is right that is not in the cache.
func (c *Checker) verify(ctx context.Context, v *verifiers, a *attempt) Result {
	f, verdict := c.join(a)
	if f == nil {
		if verdict == Right {
			c.limits.noteLogin(a.scope, a.name, a.from, c.now())
		}
		return a.result(v, verdict)
	}
	defer c.leave(a.key, f)
	select {
	case f.turn <- struct{}{}:
	case <-ctx.Done():
		return Result{Verdict: Busy}
	}
	defer func() { <-f.turn }()
	switch f.verdict {
	case Right:
		c.limits.noteLogin(a.scope, a.name, a.from, c.now())
		return a.result(v, Right)
	case Wrong: // one guess, however many asked: it has been counted
		return a.result(v, Wrong)
	default:
		return c.computeHash(ctx, v, a, f)
	}
}

// join returns the verification of a credential, or a verdict where there is none: Right where it has ended meanwhile,
// Busy where too many others are in flight.
func (c *Checker) join(a *attempt) (*verification, Verdict) {
	now := c.now()
	most := maxInFlight
	if !c.limits.trusts(a.scope, a.name, a.from, now) {
		most -= reserved
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.verified.Get(a.key, now); ok {
		return nil, Right
	}
	f, ok := c.inFlight[a.key]
	if !ok {
		if len(c.inFlight) >= most {
			return nil, Busy
		}
		f = &verification{turn: make(chan struct{}, 1)}
		c.inFlight[a.key] = f
	}
	f.waiting++
	return f, None
}

func (c *Checker) leave(key Key, f *verification) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting == 0 && c.inFlight[key] == f {
		delete(c.inFlight, key)
	}
}

// computeHash needs a slot, and a reservation that counts for the attempt's own address.
func (c *Checker) computeHash(ctx context.Context, v *verifiers, a *attempt, f *verification) Result {
	reserved, wait := c.limits.reserve(a.scope, a.name, a.from, c.now())
	if wait > 0 {
		return Result{Verdict: Locked, Wait: wait}
	}
	if !c.slots.acquire(ctx) {
		reserved.cancel(c.now())
		return Result{Verdict: Busy}
	}
	right := v.check(a.name, a.password, c.compare)
	c.slots.release()
	now := c.now()
	if right {
		f.verdict = Right
		reserved.right(now)
	} else {
		f.verdict = Wrong
		reserved.wrong(now)
	}
	c.finish(a.key, f, now)
	return a.result(v, f.verdict)
}

// finish ends a verification for those who have not joined it yet: in one step with what they find instead, so that no
// credential is verified twice.
func (c *Checker) finish(key Key, f *verification, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.inFlight, key)
	if f.verdict == Right {
		c.verified.Put(key, struct{}{}, now, verifiedFor)
	}
}
