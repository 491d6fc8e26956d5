package session

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultLimit is how many sessions a Memory keeps unless told otherwise: at some 400 bytes each, 40 MB.
const DefaultLimit = 100_000

// Memory is a Store that ends with the process.
type Memory struct {
	limit int

	mu       sync.RWMutex
	sessions map[Key]*record
	swept    time.Time // when expired sessions were last looked for
}

// record is a session and when it was last used, in nanoseconds after Created (so that the clock's monotonic
// part counts); atomic, because readers share the lock.
type record struct {
	session *Session
	used    atomic.Int64
}

var (
	_ Store  = (*Memory)(nil)
	_ Looker = (*Memory)(nil)
)

// NewMemory returns an empty store of at most limit sessions; 0 means DefaultLimit. When it is full the
// sessions that were unused for longest make room.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Memory{limit: limit, sessions: map[Key]*record{}}
}

// sweepEvery is how often Put looks for expired sessions.
const sweepEvery = time.Minute

func (m *Memory) Put(_ context.Context, s *Session, replaces Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := &record{session: s}
	if replaces != (Key{}) {
		old := m.sessions[replaces]
		if old == nil {
			return ErrNotFound
		}
		next.used.Store(int64(old.lastUse().Sub(s.Created)))
		delete(m.sessions, replaces)
	} else {
		m.sweep(s.Created)
	}
	m.sessions[s.Key] = next
	return nil
}

// sweep forgets, now and then, what has expired.
func (m *Memory) sweep(now time.Time) {
	if now.Sub(m.swept) < sweepEvery && len(m.sessions) < m.limit {
		return
	}
	m.swept = now
	for key, r := range m.sessions {
		if !r.alive(now) {
			delete(m.sessions, key)
		}
	}
	m.makeRoom()
}

// makeRoom drops the longest unused sixteenth of a full store, so that a full one is not sorted at each login.
func (m *Memory) makeRoom() {
	if len(m.sessions) < m.limit {
		return
	}
	type age struct {
		key  Key
		used time.Time
	}
	all := make([]age, 0, len(m.sessions))
	for key, r := range m.sessions {
		all = append(all, age{key, r.lastUse()})
	}
	slices.SortFunc(all, func(a, b age) int { return a.used.Compare(b.used) })
	for _, a := range all[:len(all)-m.limit+1+m.limit/16] {
		delete(m.sessions, a.key)
	}
}

func (m *Memory) Use(_ context.Context, key Key, now time.Time) (*Session, error) {
	return m.find(key, now, true)
}

func (m *Memory) Look(_ context.Context, key Key, now time.Time) (*Session, error) {
	return m.find(key, now, false)
}

// find returns a session that is alive. A use is noted under the lock: else one that comes while Put copies the record
// would be lost with the old one.
func (m *Memory) find(key Key, now time.Time, use bool) (*Session, error) {
	m.mu.RLock()
	r := m.sessions[key]
	alive := r != nil && r.alive(now)
	if alive && use {
		r.used.Store(int64(now.Sub(r.session.Created)))
	}
	m.mu.RUnlock()
	switch {
	case r == nil:
		return nil, ErrNotFound
	case !alive:
		m.mu.Lock()
		if m.sessions[key] == r { // else it has been changed meanwhile
			delete(m.sessions, key)
		}
		m.mu.Unlock()
		return nil, ErrNotFound
	}
	return r.session, nil
}

func (m *Memory) Delete(_ context.Context, key Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, key)
	return nil
}

func (m *Memory) DeleteTagged(_ context.Context, tag string) ([]Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []Key
	for key, r := range m.sessions {
		if slices.Contains(r.session.Tags, tag) {
			keys = append(keys, key)
			delete(m.sessions, key)
		}
	}
	return keys, nil
}

func (r *record) lastUse() time.Time {
	return r.session.Created.Add(time.Duration(r.used.Load()))
}

func (r *record) alive(now time.Time) bool {
	return now.Before(r.session.Expires) && now.Sub(r.lastUse()) < r.session.Idle
}
