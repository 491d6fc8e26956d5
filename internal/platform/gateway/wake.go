package gateway

import (
	"context"
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	showPageAfter = time.Second            // a browser gets a page that says what it waits for
	holdFor       = time.Minute            // other clients are told to try again later
	wakeAgain     = 100 * time.Millisecond // after a wake that did not make the app ready
	maxHeld       = 100                    // requests that wait for one app
	maxHeldByAll  = 2000
)

// attempt is a call of Options.Wake.
type attempt struct {
	done chan struct{}
	err  error // valid once done is closed
}

// wake makes the current deployment ready, and returns the attempt to do so, which may be under way already.
func (p *project) wake() *attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waking != nil {
		return p.waking
	}
	a := &attempt{done: make(chan struct{})}
	p.waking = a
	g := p.gateway
	go func() {
		a.err = g.o.Wake(g.ctx, p.id)
		p.mu.Lock()
		p.waking = nil
		p.mu.Unlock()
		close(a.done)
	}()
	return a
}

// await holds a request for an app that is not ready. The body is not read meanwhile.
func (p *project) await(a *asked) (*way, http.Handler) {
	if !p.mayWake(a.intent) {
		return nil, p.answer(asleep())
	}
	if !p.hold() {
		return nil, p.answer(waiting())
	}
	defer p.unhold()
	patience := holdFor
	if a.isPage && a.request.Method == http.MethodGet {
		patience = showPageAfter
	}
	ctx, cancel := context.WithTimeout(a.request.Context(), patience)
	defer cancel()
	for {
		changed := p.changes()
		if w, answer, found := p.look(a); found {
			return w, answer
		}
		if answer := p.wait(ctx, p.wake(), changed); answer != nil {
			return nil, answer
		}
	}
}

// wait returns nil when the app may be ready, otherwise how a request is answered.
func (p *project) wait(ctx context.Context, a *attempt, changed <-chan struct{}) http.Handler {
	select {
	case <-changed:
		return nil
	case <-a.done:
	case <-ctx.Done():
		return p.answer(waiting())
	}
	if a.err != nil {
		return p.answer(wakeFailed(a.err))
	}
	select {
	case <-changed: // by the attempt
		return nil
	case <-time.After(wakeAgain):
		return nil
	case <-ctx.Done():
		return p.answer(waiting())
	}
}

// mayWake reports whether a request is worth waking the app.
func (p *project) mayWake(why intent) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case why == byProgram:
		return false
	case p.route.State == platform.StateAsleep:
		return why == byUser
	default: // it runs, or is about to
		return true
	}
}

// hold reports whether another request may wait. If so, unhold has to be called.
func (p *project) hold() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held == maxHeld || p.gateway.held.Load() >= maxHeldByAll {
		return false
	}
	p.held++
	p.gateway.held.Add(1)
	return true
}

func (p *project) unhold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	p.gateway.held.Add(-1)
}

// changes returns a channel that is closed when the route changes.
func (p *project) changes() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}
