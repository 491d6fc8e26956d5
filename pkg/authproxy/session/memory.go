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
	former   map[Key]*record // by the former keys of sessions
	swept    time.Time       // when expired sessions were last looked for
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

// NewMemory returns an empty store of at most limit sessions; 0 means DefaultLimit. When it is full the
// sessions that were unused for longest make room.
func NewMemory(limit int) *Memory {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Memory{limit: limit, sessions: map[Key]*record{}, former: map[Key]*record{}}
}

// sweepEvery is how often Put looks for expired sessions.
const sweepEvery = time.Minute

func (m *Memory) Create(_ context.Context, s *Session) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(s.Created)
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

// find returns the record of a key or a former key, nil where there is none. It is called with mu held.
func (m *Memory) find(key Key) *record {
	if r := m.sessions[key]; r != nil {
		return r
	}
	return m.former[key]
}

func (m *Memory) add(r *record) {
	m.sessions[r.session.Key] = r
	for _, f := range r.session.Former {
		m.former[f.Key] = r
	}
}

func (m *Memory) remove(r *record) {
	delete(m.sessions, r.session.Key)
	for _, f := range r.session.Former {
		delete(m.former, f.Key)
	}
}

// sweep forgets, now and then, what has expired.
func (m *Memory) sweep(now time.Time) {
	if now.Sub(m.swept) < sweepEvery && len(m.sessions) < m.limit {
		return
	}
	m.swept = now
	for _, r := range m.sessions {
		if !r.alive(now) {
			m.remove(r)
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
		record *record
		used   time.Time
	}
	all := make([]age, 0, len(m.sessions))
	for _, r := range m.sessions {
		all = append(all, age{r, r.lastUse()})
	}
	slices.SortFunc(all, func(a, b age) int { return a.used.Compare(b.used) })
	for _, a := range all[:len(all)-m.limit+1+m.limit/16] {
		m.remove(a.record)
	}
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
	}
	expired := r != nil && !r.alive(now)
	m.mu.RUnlock()
	switch {
	case found:
		return r.session, nil
	case expired: // it does not come back when the clock is set back
		m.mu.Lock()
		if m.sessions[r.session.Key] == r { // else it has been changed meanwhile
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
	for key, r := range m.sessions {
		if slices.Contains(r.session.Tags, tag) {
			keys = append(keys, key)
			m.remove(r)
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

// accepts reports whether key leads to the session at now, and the session is alive.
func (r *record) accepts(key Key, now time.Time) bool {
	return r.alive(now) && r.session.Accepts(key, now)
}
