package sqlite

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// cacheLimit is the number of sessions in memory: with tokens some 5 KB each, 80 MB in total.
const cacheLimit = 16_384

// entry is a session in memory. Its times are nanoseconds after Created, so that the clock's monotonic part counts.
type entry struct {
	session *session.Session
	used    atomic.Int64 // last use
	written atomic.Int64 // last use as written to the file
	queued  atomic.Bool  // waiting to be written
}

func newEntry(s *session.Session, used time.Time) *entry {
	e := &entry{session: s}
	e.used.Store(int64(used.Sub(s.Created)))
	e.written.Store(e.used.Load())
	return e
}

func (e *entry) lastUse() time.Time {
	return e.session.Created.Add(time.Duration(e.used.Load()))
}

func (e *entry) alive(now time.Time) bool {
	return now.Before(e.session.Expires) && now.Sub(e.lastUse()) < e.session.Idle
}

// usedAsWell takes over the time of last use from another entry of the session, which may be nil, if that is later.
func (e *entry) usedAsWell(other *entry) {
	if other != nil && other.lastUse().After(e.lastUse()) {
		e.used.Store(int64(other.lastUse().Sub(e.session.Created)))
	}
}

// behind is how far the time of last use in the file may lag behind.
func (e *entry) behind() time.Duration { return min(time.Minute, e.session.Idle/10) }

// cache holds the most recently used sessions.
type cache struct {
	entries *expiring.Map[session.Key, *entry] // each for its idle time after its last use

	mu      sync.RWMutex         // for all changes, to entries too
	marked  map[session.Key]bool // deleted in this process, not yet in the file
	epoch   uint64               // grows whenever a session may have ended; what was read before that must not be added
	dropped []*entry             // evicted for the entry that is being inserted
}

func newCache(limit int) *cache {
	c := &cache{entries: expiring.New[session.Key, *entry](limit), marked: map[session.Key]bool{}}
	c.entries.OnDrop = func(_ session.Key, e *entry) { c.dropped = append(c.dropped, e) }
	return c
}

// get returns the entry of a key, alive or not, nil where there is none.
func (c *cache) get(key session.Key) *entry {
	e, _ := c.entries.Get(key, time.Time{})
	return e
}

// use records a use of an entry, which extends its time in the cache.
func (c *cache) use(e *entry, now time.Time) {
	e.used.Store(int64(now.Sub(e.session.Created)))
	c.entries.Extend(e.session.Key, now, e.session.Idle)
}

// now returns the epoch. It has to be called before the file is read.
func (c *cache) now() uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.epoch
}

// isDeleted reports whether a session that is still in the file was deleted, by its key or a former one.
func (c *cache) isDeleted(s *session.Session) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.marked) > 0 &&
		(c.marked[s.Key] || slices.ContainsFunc(s.Former, func(f session.Former) bool { return c.marked[f.Key] }))
}

// add adds an entry that was read from the file at epoch. If a session has ended since then it is not added, and has to be
// read again. add returns the entry that all callers share, and the entries that were evicted.
func (c *cache) add(e *entry, epoch uint64) (shared *entry, dropped []*entry, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != epoch {
		return nil, nil, false
	}
	if other := c.get(e.session.Key); other != nil {
		return other, nil, true
	}
	return e, c.insert(e), true
}

// put adds an entry that was written after epoch, in place of another one if replaces is not zero. If a session has ended
// since then it may have been this one, by another process; then it is not added, and read from the file on its next use.
func (c *cache) put(e *entry, replaces session.Key, epoch uint64) (dropped []*entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	isNews := c.epoch == epoch
	if replaces != (session.Key{}) {
		c.epoch++
		c.entries.Delete(replaces)
	}
	if !isNews {
		return nil
	}
	return c.insert(e)
}

func (c *cache) insert(e *entry) (dropped []*entry) {
	c.entries.Put(e.session.Key, e, e.lastUse(), e.session.Idle)
	dropped, c.dropped = c.dropped, nil
	return dropped
}

// forget drops an outdated entry.
func (c *cache) forget(e *entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.get(e.session.Key) == e {
		c.entries.Delete(e.session.Key)
	}
}

// end drops sessions that have ended or changed.
func (c *cache) end(keys ...session.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(keys)
}

// drop is called with mu held.
func (c *cache) drop(keys []session.Key) {
	c.epoch++
	for _, key := range keys {
		c.entries.Delete(key)
	}
}

// markDeleted ends sessions that are still in the file.
func (c *cache) markDeleted(keys ...session.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		c.marked[key] = true
	}
	c.drop(keys)
}

func (c *cache) markedKeys() []session.Key {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return slices.Collect(maps.Keys(c.marked))
}

// deleted ends sessions that are no longer in the file.
func (c *cache) deleted(keys ...session.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.marked, key)
	}
	c.drop(keys)
}

// clear drops all entries and returns them.
func (c *cache) clear() []*entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	return c.entries.Clear()
}
