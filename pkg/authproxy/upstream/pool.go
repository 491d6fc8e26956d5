package upstream

import (
	"sync"
	"time"
)

const (
	maxIdle   = 1024             // connections kept for one target
	idleFor   = time.Minute      // how long
	idleCheck = 30 * time.Second // how often old ones are looked for
)

// pool keeps idle connections, the last used on top: the others grow old and go.
type pool struct {
	now func() time.Time

	mu     sync.Mutex
	idle   map[Target][]*conn
	timer  *time.Timer // runs while there are idle connections
	closed bool
}

func newPool(now func() time.Time) *pool { return &pool{now: now, idle: map[Target][]*conn{}} }

// get returns an idle connection, or nil. The caller has to make sure that it is silent.
func (p *pool) get(to Target) *conn {
	for {
		p.mu.Lock()
		stack := p.idle[to]
		if len(stack) == 0 {
			p.mu.Unlock()
			return nil
		}
		c := stack[len(stack)-1]
		stack[len(stack)-1] = nil
		p.idle[to] = stack[:len(stack)-1]
		p.mu.Unlock()
		if p.now().Sub(c.idle) < idleFor {
			c.reused = true
			return c
		}
		c.close()
	}
}

// put keeps a connection whose last response has been read to its end.
func (p *pool) put(c *conn) {
	if c.r != c.w { // more than the response
		c.close()
		return
	}
	c.shrink()
	c.idle = p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle[c.target]) >= maxIdle {
		c.close()
		return
	}
	p.idle[c.target] = append(p.idle[c.target], c)
	if p.timer == nil {
		p.timer = time.AfterFunc(idleCheck, p.dropOld)
	}
}

// dropOld closes connections that nobody has needed, and stops looking when none is left.
func (p *pool) dropOld() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for to, stack := range p.idle {
		old := 0
		for old < len(stack) && now.Sub(stack[old].idle) >= idleFor {
			stack[old].close()
			old++
		}
		if old == len(stack) {
			delete(p.idle, to)
		} else {
			p.idle[to] = append([]*conn(nil), stack[old:]...)
		}
	}
	p.timer = nil
	if len(p.idle) > 0 && !p.closed {
		p.timer = time.AfterFunc(idleCheck, p.dropOld)
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	for _, stack := range p.idle {
		for _, c := range stack {
			c.close()
		}
	}
	clear(p.idle)
}
