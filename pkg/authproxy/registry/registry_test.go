package registry_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/registry"
)

// owner answers as it is told to.
type owner struct {
	key     registry.Key
	verdict registry.Verdict
	dead    *atomic.Bool // its session
	uses    *atomic.Int32
	onAsk   func()
}

func newOwner(key byte) *owner {
	return &owner{key: registry.Key{key}, dead: &atomic.Bool{}, uses: &atomic.Int32{}}
}

func (o *owner) Key() registry.Key                { return o.key }
func (o *owner) Check(time.Time) registry.Verdict { return o.verdict }
func (o *owner) IdleTimeout() time.Duration       { return time.Hour }

func (o *owner) Alive(_ time.Time, use bool) bool {
	if use {
		o.uses.Add(1)
	}
	if o.onAsk != nil {
		o.onAsk()
	}
	return !o.dead.Load()
}

type transfer struct{ ended, moved atomic.Bool }

func (t *transfer) Close() error { t.ended.Store(true); return nil }
func (t *transfer) Moved() bool  { return t.moved.Swap(false) }

func add(t *testing.T, r *registry.Registry, o registry.Owner) (*registry.Connection, *transfer) {
	t.Helper()
	carried := &transfer{}
	return r.Add(t.Context(), o, carried), carried
}

func want(t *testing.T, what string, carried *transfer, ended bool) {
	t.Helper()
	if got := carried.ended.Load(); got != ended {
		t.Errorf("%s: ended %v, want %v", what, got, ended)
	}
}

// What the reaper ends, by what it is and what its owner says.
func TestReap(t *testing.T) {
	t.Parallel()
	const request, stream, webSocket = "request", "event stream", "WebSocket"
	for name, tc := range map[string]struct {
		verdict registry.Verdict
		dead    bool
		gone    bool // the client
		ends    map[string]bool
	}{
		"all is well":         {},
		"session is over":     {verdict: registry.End, ends: map[string]bool{request: true, stream: true, webSocket: true}},
		"denied":              {verdict: registry.Deny, ends: map[string]bool{stream: true, webSocket: true}},
		"logged out":          {dead: true, ends: map[string]bool{request: true, stream: true, webSocket: true}},
		"client disconnected": {gone: true, ends: map[string]bool{request: true, stream: true}}, // a WebSocket notices that by itself
	} {
		for _, kind := range []string{request, stream, webSocket} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				r, o := registry.New(time.Now), newOwner(1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				carried := &transfer{}
				c := r.Add(ctx, o, carried)
				switch kind {
				case stream:
					c.Stream()
				case webSocket:
					if !c.Upgrade(carried) {
						t.Fatal("not upgraded")
					}
				}
				o.verdict = tc.verdict
				o.dead.Store(tc.dead)
				if tc.gone {
					cancel()
				}
				r.Reap()
				want(t, kind, carried, tc.ends[kind])
			})
		}
	}
}

// Moving bytes are a use of the session, once every few seconds.
func TestReapUsesTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, o := registry.New(time.Now), newOwner(1)
		_, carried := add(t, r, o)
		for _, step := range []struct {
			wait  time.Duration
			moved bool
			uses  int32
		}{
			{0, false, 0}, {time.Second, true, 1}, {time.Second, true, 1}, {3 * time.Second, false, 1}, {time.Second, false, 2}, {time.Hour, false, 2},
		} {
			time.Sleep(step.wait) // of the bubble: no time passes
			carried.moved.Store(step.moved)
			r.Reap()
			if got := o.uses.Load(); got != step.uses {
				t.Fatalf("after %v, moved %v: used %d times, want %d", step.wait, step.moved, got, step.uses)
			}
		}
		want(t, "request", carried, false)
	})
}

func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, o, done := registry.New(time.Now), newOwner(1), make(chan struct{})
		_, carried := add(t, r, o)
		go r.Run(done)
		time.Sleep(1500 * time.Millisecond)
		want(t, "at first", carried, false)
		o.dead.Store(true)
		time.Sleep(time.Second)
		want(t, "after the logout", carried, true)
		close(done)
	})
}

// Without a session there is nothing to ask the store about.
func TestWithoutSession(t *testing.T) {
	t.Parallel()
	r, o := registry.New(time.Now), newOwner(0)
	o.dead.Store(true)
	_, carried := add(t, r, o)
	r.Reap()
	want(t, "request", carried, false)
	if o.uses.Load() != 0 {
		t.Error("used")
	}
}

// adopter gives connections to another owner.
func adopter(to registry.Owner) func(registry.Owner) registry.Owner {
	return func(registry.Owner) registry.Owner { return to }
}

func deny(registry.Owner) registry.Owner { return nil }

func TestMove(t *testing.T) {
	t.Parallel()
	first, second := newOwner(1), newOwner(2)
	r := registry.New(time.Now)
	_, carried := add(t, r, first)
	_, other := add(t, r, second)
	r.Move(first.key, adopter(second))
	r.End(first.key)
	want(t, "of the first session", carried, false)
	r.End(second.key)
	want(t, "of the first session", carried, true)
	want(t, "of the second session", other, true)
}

// A successor that does not allow what its predecessor did ends it.
func TestMoveDenied(t *testing.T) {
	t.Parallel()
	first, r := newOwner(1), registry.New(time.Now)
	c, carried := add(t, r, first)
	r.Move(first.key, deny)
	want(t, "request", carried, true)
	if c.Upgrade(&transfer{}) {
		t.Error("upgraded")
	}
}

// Another process may have moved the session: its owner learns so from the store.
func TestMoveWhileReaping(t *testing.T) {
	t.Parallel()
	first, second := newOwner(1), newOwner(2)
	first.verdict = registry.End // which the successor does not say
	r := registry.New(time.Now)
	_, carried := add(t, r, first)
	first.onAsk = func() { r.Move(first.key, adopter(second)) }
	r.Reap()
	want(t, "request", carried, false)
}

// New tokens are a new owner under the same key.
func TestMoveToTheSameKey(t *testing.T) {
	t.Parallel()
	before, after := newOwner(1), newOwner(1)
	after.verdict = registry.End
	r := registry.New(time.Now)
	_, carried := add(t, r, before)
	r.Move(before.key, adopter(after))
	r.Reap()
	want(t, "request", carried, true)
}

// A handshake follows the session that it began with, and may not outlive it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile func(r *registry.Registry, o *owner)
		ok        bool
	}{
		"nothing happens":  {meanwhile: func(*registry.Registry, *owner) {}, ok: true},
		"a logout":         {meanwhile: func(r *registry.Registry, o *owner) { r.End(o.key) }},
		"a logout, unseen": {meanwhile: func(_ *registry.Registry, o *owner) { o.dead.Store(true) }},
		"a rotation": {meanwhile: func(r *registry.Registry, o *owner) {
			o.dead.Store(true)
			r.Move(o.key, adopter(newOwner(2)))
		}, ok: true},
		"a rotation while it is confirmed": {meanwhile: func(r *registry.Registry, o *owner) {
			o.dead.Store(true)
			o.onAsk = func() { r.Move(o.key, adopter(newOwner(2))) }
		}, ok: true},
		"the end of all": {meanwhile: func(r *registry.Registry, _ *owner) { r.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, o := registry.New(time.Now), newOwner(1)
			c, _ := add(t, r, o)
			tc.meanwhile(r, o)
			socket := &transfer{}
			if got := c.Upgrade(socket); got != tc.ok {
				t.Errorf("upgraded %v, want %v", got, tc.ok)
			}
			r.End(registry.Key{2})
			r.End(o.key)
			if tc.ok {
				want(t, "WebSocket", socket, true)
			}
		})
	}
}

// Close ends WebSockets; requests end when they are done or their client disconnects, without a reaper.
func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := registry.New(time.Now)
		socket, finished := &transfer{}, &transfer{}
		c, _ := add(t, r, newOwner(1))
		if !c.Upgrade(socket) {
			t.Fatal("not upgraded")
		}
		ctx, cancel := context.WithCancel(t.Context())
		r.Add(ctx, newOwner(1), finished)
		r.Close()
		want(t, "WebSocket", socket, true)
		want(t, "request", finished, false)
		cancel()
		synctest.Wait()
		want(t, "request", finished, true)
	})
}

// A connection that is over is forgotten.
func TestRemove(t *testing.T) {
	t.Parallel()
	r, o := registry.New(time.Now), newOwner(1)
	c, carried := add(t, r, o)
	c.Remove()
	c.Remove()
	r.End(o.key)
	r.Reap()
	want(t, "request", carried, false)
}
