package session

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// DefaultLimit is the default limit of a Memory: at some 600 bytes a session, 60 MB.
const DefaultLimit = 100_000

// Memory is a Store in memory.
type Memory struct {
	mu       sync.RWMutex
	sessions *expiring.Map[Key, *record] // each for its idle time after its last use
	former   map[Key]*record             // by the former keys of sessions
	tagged   map[string]map[Key]*record  // by their tags
}

// record is a session and when it was last used, in nanoseconds after Created (so that the clock's monotonic
// part counts); atomic, because readers share the lock.
type record struct {
	session *Session
	used    atomic.Int64

	claimedBy    Owner
	claimedUntil time.Time
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store of at most limit sessions; 0 means DefaultLimit. When it is full, the least recently
// used session is dropped.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = DefaultLimit
	}
	m := &Memory{sessions: expiring.New[Key, *record](limit), former: map[Key]*record{}, tagged: map[string]map[Key]*record{}}
	m.sessions.OnDrop = func(_ Key, r *record) { m.unlink(r) }
	return m
}

func (m *Memory) Create(_ context.Context, s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(&record{session: s})
	return nil
}

func (m *Memory) Replace(_ context.Context, old, next *Session) (*Session, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.find(old.Key)
	switch {
	case r == nil:
		return nil, ErrNotFound
	case r.session.Key != old.Key || r.session.Version != old.Version:
		return r.session, nil
	}
	replaced := &record{session: next, claimedBy: r.claimedBy, claimedUntil: r.claimedUntil}
	replaced.used.Store(int64(r.lastUse().Sub(next.Created)))
	m.remove(r)
	m.add(replaced)
	return next, nil
}

func (m *Memory) Claim(_ context.Context, key Key, owner Owner, now, until time.Time) (*Session, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.find(key)
	switch {
	case r == nil || !r.accepts(key, now):
		return nil, false, ErrNotFound
	case r.claimedBy != owner && now.Before(r.claimedUntil):
		return r.session, false, nil
	}
	r.claimedBy, r.claimedUntil = owner, until
	return r.session, true, nil
}

func (m *Memory) Use(_ context.Context, key Key, now time.Time) (*Session, error) {
	return m.get(key, now, true)
}

func (m *Memory) Look(_ context.Context, key Key, now time.Time) (*Session, error) {
	return m.get(key, now, false)
}

// get returns a session that is alive. A use is noted under the lock: else one that comes while Replace copies the
// record would be lost with the old one.
func (m *Memory) get(key Key, now time.Time, use bool) (*Session, error) {
	m.mu.RLock()
	r := m.find(key)
	found := r != nil && r.accepts(key, now)
	if found && use {
		r.used.Store(int64(now.Sub(r.session.Created)))
		m.sessions.Extend(r.session.Key, now, r.session.Idle)
	}
	expired := r != nil && !r.alive(now)
	m.mu.RUnlock()
	switch {
	case found:
		return r.session, nil
	case expired: // so that it does not come back when the clock is set back
		m.mu.Lock()
		if m.find(r.session.Key) == r { // otherwise it has changed meanwhile
			m.remove(r)
		}
		m.mu.Unlock()
	}
	return nil, ErrNotFound
}

func (m *Memory) Delete(_ context.Context, key Key) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.find(key)
	if r == nil {
		return nil, nil
	}
	m.remove(r)
	return []Key{r.session.Key}, nil
}

func (m *Memory) DeleteTagged(_ context.Context, tag string) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []Key
	for key, r := range m.tagged[tag] {
		keys = append(keys, key)
		m.remove(r)
	}
	return keys, nil
}

// find returns the record of a key or a former key, alive or not, nil where there is none.
func (m *Memory) find(key Key) *record {
	if r, ok := m.sessions.Get(key, time.Time{}); ok {
		return r
	}
	return m.former[key]
}

// add adds a session, which is kept for its idle time after its last use. One that has expired sooner is not used any
// more, and goes as well.
func (m *Memory) add(r *record) {
	m.sessions.Put(r.session.Key, r, r.lastUse(), r.session.Idle)
	for _, f := range r.session.Former {
		m.former[f.Key] = r
	}
	for _, tag := range r.session.Tags {
		if m.tagged[tag] == nil {
			m.tagged[tag] = map[Key]*record{}
		}
		m.tagged[tag][r.session.Key] = r
	}
}

func (m *Memory) remove(r *record) {
	m.sessions.Delete(r.session.Key)
	m.unlink(r)
}

// unlink forgets the other ways to a session.
func (m *Memory) unlink(r *record) {
	for _, f := range r.session.Former {
		delete(m.former, f.Key)
	}
	for _, tag := range r.session.Tags {
		if delete(m.tagged[tag], r.session.Key); len(m.tagged[tag]) == 0 {
			delete(m.tagged, tag)
		}
	}
}

func (r *record) lastUse() time.Time { return r.session.Created.Add(time.Duration(r.used.Load())) }

func (r *record) alive(now time.Time) bool {
	return now.Before(r.session.Expires) && now.Sub(r.lastUse()) < r.session.Idle
}

// accepts reports whether key leads to the session at now, and the session is alive.
func (r *record) accepts(key Key, now time.Time) bool {
	return r.alive(now) && r.session.Accepts(key, now)
}
