// Package expiring has a map with a bound, each entry of which expires at a time of its own: the one structure behind
// the caches and replay protections of the login. It must not know what is kept in it, and reads no clock: callers
// pass the time, which they have read for the request anyway.
package expiring

import (
	"container/heap"
	"sync"
	"time"
)

// dropAtOnce is how many expired entries one call drops at most: more than a Put adds, so that they do not pile up, and few
// enough that no request pays for thousands of others.
const dropAtOnce = 4

// Map holds up to a fixed number of entries. Where it is full, the entry that expires first makes room; of those that
// expire at the same time, the one that was put first. Get takes constant time, the other methods a time logarithmic in
// the number of entries. It is safe for concurrent use.
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

// Get returns the value of a key, unless it has expired.
func (m *Map[K, V]) Get(key K, now time.Time) (value V, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if e, ok := m.entries[key]; ok && now.Before(e.until) {
		return e.value, true
	}
	return value, false
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
	if e, ok := m.entries[key]; ok && now.Before(e.until) {
		return false
	}
	m.put(key, value, now, ttl)
	return true
}

func (m *Map[K, V]) put(key K, value V, now time.Time, ttl time.Duration) {
	m.puts++
	if e, ok := m.entries[key]; ok {
		e.value, e.until, e.put = value, now.Add(ttl), m.puts
		heap.Fix(&m.queue, e.place)
		return
	}
	m.dropExpired(now)
	if len(m.queue) >= m.limit {
		m.dropFirst()
	}
	e := &entry[K, V]{key: key, value: value, until: now.Add(ttl), put: m.puts}
	m.entries[key] = e
	heap.Push(&m.queue, e)
}

// DropExpired drops expired entries, as many as a Put does, for maps to which little is put. It reports whether there may
// be more.
func (m *Map[K, V]) DropExpired(now time.Time) (more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropExpired(now)
}

func (m *Map[K, V]) dropExpired(now time.Time) (more bool) {
	for range dropAtOnce {
		if len(m.queue) == 0 || now.Before(m.queue[0].until) {
			return false
		}
		m.dropFirst()
	}
	return true
}

func (m *Map[K, V]) dropFirst() {
	e := heap.Pop(&m.queue).(*entry[K, V])
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

// Len returns how many entries take up memory: those that can be got, and some that have expired.
func (m *Map[K, V]) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.entries)
}

type entry[K comparable, V any] struct {
	key   K
	value V
	until time.Time
	put   uint64 // order of puts
	place int    // in the queue
}

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
