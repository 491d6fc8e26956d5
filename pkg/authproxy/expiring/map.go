// Package expiring has a map with a bound, each entry of which expires at a time of its own: the one structure behind
// the caches and replay protections of the login. It must not know what is kept in it, and reads no clock: callers
// pass the time, which they have read for the request anyway.
package expiring

import (
	"container/heap"
	"sync"
	"sync/atomic"
	"time"
)

// What one call does at most, so that no request pays for thousands of others.
const (
	dropAtOnce = 4  // expired entries dropped: more than a Put adds, so that they do not pile up
	moveAtOnce = 16 // entries moved that have been extended
)

// Map holds up to a fixed number of entries. Where it is full, the entry that expires first makes room; of those that
// expire at the same time, the one that was put first. Get and Extend take constant time, the other methods a time
// logarithmic in the number of entries. It is safe for concurrent use.
type Map[K comparable, V any] struct {
	// OnDrop, where it is set before the Map is used, gets each entry that has expired or makes room. It is called under the
	// Map's lock and must not use the Map.
	OnDrop func(key K, value V)

	limit int

	mu      sync.RWMutex
	entries map[K]*entry[K, V]
	queue   queue[K, V]
	puts    uint64
}

// New returns an empty map for up to limit entries, which must be positive.
func New[K comparable, V any](limit int) *Map[K, V] {
	return &Map[K, V]{limit: limit, entries: map[K]*entry[K, V]{}}
}

// Get returns the value of a key, unless it has expired. With the zero time none has.
func (m *Map[K, V]) Get(key K, now time.Time) (value V, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if e, ok := m.entries[key]; ok && now.Before(e.expiry()) {
		return e.value, true
	}
	return value, false
}

// Extend keeps an entry that has not expired for as long as ttl from now on, if that is longer than before, like a Put of the same value but
// cheaper: the entry gets its new place in the order of expiry once its turn comes to be dropped. Where the turn comes to
// many such entries at once, one of them may make room although it has been extended.
func (m *Map[K, V]) Extend(key K, now time.Time, ttl time.Duration) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e, ok := m.entries[key]
	if !ok || !now.Before(e.expiry()) {
		return
	}
	if d := int64(now.Add(ttl).Sub(e.until)); d > e.extension.Load() {
		e.extension.Store(d) // of several at once any will do
	}
}

// Put sets the value of a key, for as long as ttl from now on.
func (m *Map[K, V]) Put(key K, value V, now time.Time, ttl time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, value, now, ttl)
}

// Add is Put for a key that has no value or an expired one. It reports whether that was so: of callers that add the same
// key at once, one gets true.
func (m *Map[K, V]) Add(key K, value V, now time.Time, ttl time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok && now.Before(e.expiry()) {
		return false
	}
	m.put(key, value, now, ttl)
	return true
}

func (m *Map[K, V]) put(key K, value V, now time.Time, ttl time.Duration) {
	m.puts++
	if e, ok := m.entries[key]; ok {
		e.value, e.until, e.put = value, now.Add(ttl), m.puts
		e.extension.Store(0)
		heap.Fix(&m.queue, e.place)
		return
	}
	m.dropExpired(now)
	if len(m.queue) >= m.limit {
		m.drop(m.first())
	}
	e := &entry[K, V]{key: key, value: value, until: now.Add(ttl), put: m.puts}
	m.entries[key] = e
	heap.Push(&m.queue, e)
}

// DropExpired drops expired entries, as many as a Put does, for maps to which little is put. It reports whether it has
// dropped that many, so that there may be more.
func (m *Map[K, V]) DropExpired(now time.Time) (more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropExpired(now)
}

func (m *Map[K, V]) dropExpired(now time.Time) (more bool) {
	for range dropAtOnce {
		if len(m.queue) == 0 {
			return false
		}
		e := m.first()
		if now.Before(e.expiry()) {
			return false
		}
		m.drop(e)
	}
	return true
}

// first returns the entry that expires first, once those before it that have been extended are where they belong.
func (m *Map[K, V]) first() *entry[K, V] {
	for range moveAtOnce {
		e := m.queue[0]
		if e.extension.Load() == 0 {
			return e
		}
		e.until = e.expiry()
		e.extension.Store(0)
		heap.Fix(&m.queue, 0)
	}
	return m.queue[0]
}

func (m *Map[K, V]) drop(e *entry[K, V]) {
	heap.Remove(&m.queue, e.place)
	delete(m.entries, e.key)
	if m.OnDrop != nil {
		m.OnDrop(e.key, e.value)
	}
}

// Delete removes a key, if it is there.
func (m *Map[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entries[key]; ok {
		heap.Remove(&m.queue, e.place)
		delete(m.entries, key)
	}
}

// Clear removes all entries and returns their values, in no order.
func (m *Map[K, V]) Clear() []V {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]V, 0, len(m.queue))
	for _, e := range m.queue {
		all = append(all, e.value)
	}
	clear(m.entries)
	m.queue = nil
	return all
}

// Len returns how many entries take up memory: those that can be got, and some that have expired.
func (m *Map[K, V]) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.entries)
}

type entry[K comparable, V any] struct {
	key       K
	value     V
	until     time.Time    // by which it is in the queue
	extension atomic.Int64 // nanoseconds after until; changed under the read lock
	put       uint64       // order of puts
	place     int          // in the queue
}

func (e *entry[K, V]) expiry() time.Time { return e.until.Add(time.Duration(e.extension.Load())) }

// queue is a heap: the entry that makes room next comes first.
type queue[K comparable, V any] []*entry[K, V]

var _ heap.Interface = (*queue[int, int])(nil)

func (q queue[K, V]) Len() int { return len(q) }

func (q queue[K, V]) Less(i, j int) bool {
	if order := q[i].until.Compare(q[j].until); order != 0 {
		return order < 0
	}
	return q[i].put < q[j].put
}

func (q queue[K, V]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

func (q *queue[K, V]) Push(e any) {
	added := e.(*entry[K, V])
	added.place = len(*q)
	*q = append(*q, added)
}

func (q *queue[K, V]) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
