package password

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// rule says how many wrong passwords are free and how long each one after that locks: first, then twice as
// long each time, at most longest.
type rule struct {
	free           int
	first, longest time.Duration
}

// One visitor who guesses is locked out soon. Many who guess one user's password together are slowed to one
// try a second among them, and an address from which that user has logged in before is let past that, so that
// nobody can lock somebody else out from afar.
var (
	perPair    = rule{free: 5, first: 5 * time.Second, longest: 15 * time.Minute}
	perAddress = rule{free: 20, first: 5 * time.Second, longest: 15 * time.Minute}
	perUser    = rule{free: 100, first: time.Second, longest: time.Second}
)

const (
	forgetAfter = time.Hour // without a wrong password, the count starts again
	maxEntries  = 16 << 10  // counters kept, some 100 bytes each
	maxTrusted  = 4 << 10   // addresses kept from which somebody has logged in
	sample      = 16        // entries looked at to find an old one to drop
)

// limiter counts wrong passwords. Its memory is bounded: when it is full, one of the oldest counters goes.
type limiter struct {
	seed  maphash.Seed
	inUse atomic.Int64 // entries in counters, to skip the lock while nobody guesses

	mu       sync.Mutex
	counters map[uint64]counter
	trusted  map[uint64]time.Time
	swept    time.Time
}

type counter struct {
	wrong        int
	last, locked time.Time // last wrong password; until when further ones are not looked at
}

func newLimiter() *limiter {
	return &limiter{seed: maphash.MakeSeed(), counters: map[uint64]counter{}, trusted: map[uint64]time.Time{}}
}

// attempt is one try that has been counted as wrong before it is looked at, so that many at once count too.
type attempt struct {
	limiter *limiter
	keys    [3]uint64 // pair, address, user
}

func (l *limiter) keys(area, name string, from netip.Addr) [3]uint64 {
	if from.Is6() && !from.Is4In6() { // one subscriber has a whole /64
		from = netip.PrefixFrom(from, 64).Masked().Addr()
	}
	address := from.Unmap().String()
	key := func(parts ...string) uint64 {
		var h maphash.Hash
		h.SetSeed(l.seed)
		for _, p := range parts {
			_, _ = h.WriteString(p)
			_ = h.WriteByte(0)
		}
		return h.Sum64()
	}
	return [3]uint64{key("pair", area, name, address), key("address", address), key("user", area, name)}
}

// wait returns how long tries by name from an address are not looked at; 0 means they are.
func (l *limiter) wait(area, name string, from netip.Addr, now time.Time) time.Duration {
	if l.inUse.Load() == 0 {
		return 0
	}
	keys := l.keys(area, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	return l.waitLocked(keys, now)
}

func (l *limiter) waitLocked(keys [3]uint64, now time.Time) time.Duration {
	longest := time.Duration(0)
	for i, key := range keys {
		if _, known := l.trusted[keys[0]]; i == 2 && known {
			continue
		}
		longest = max(longest, l.counters[key].locked.Sub(now))
	}
	return longest
}

// begin counts a try, or returns how long to wait before the next.
func (l *limiter) begin(area, name string, from netip.Addr, now time.Time) (attempt, time.Duration) {
	keys := l.keys(area, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.waitLocked(keys, now); wait > 0 {
		return attempt{}, wait
	}
	for i, r := range [3]rule{perPair, perAddress, perUser} {
		l.count(keys[i], r, now)
	}
	return attempt{limiter: l, keys: keys}, 0
}

func (l *limiter) count(key uint64, r rule, now time.Time) {
	c, ok := l.counters[key]
	if !ok {
		l.makeRoom(now)
		l.inUse.Add(1)
	}
	if now.Sub(c.last) >= forgetAfter {
		c = counter{}
	}
	c.wrong++
	c.last = now
	if over := c.wrong - r.free; over >= 0 {
		c.locked = now.Add(min(r.first<<min(over, 20), r.longest))
	}
	l.counters[key] = c
}

// makeRoom drops the oldest of a few counters (a map is walked in random order) when there are too many.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.counters) < maxEntries {
		return
	}
	var victim uint64
	oldest, seen := now, 0
	for key, c := range l.counters {
		if seen == 0 || c.last.Before(oldest) {
			victim, oldest = key, c.last
		}
		if seen++; seen == sample {
			break
		}
	}
	delete(l.counters, victim)
	l.inUse.Add(-1)
}

// undo takes the try back, and the lock that came with it: it was not looked at.
func (a attempt) undo() {
	a.limiter.mu.Lock()
	defer a.limiter.mu.Unlock()
	a.undoLocked()
}

func (a attempt) undoLocked() {
	for _, key := range a.keys {
		c, ok := a.limiter.counters[key]
		if !ok {
			continue
		}
		c.locked = time.Time{}
		if c.wrong--; c.wrong <= 0 {
			a.limiter.forget(key)
			continue
		}
		a.limiter.counters[key] = c
	}
}

// right takes the try back, since the password was right, and lets the user start anew from that address.
func (a attempt) right(now time.Time) {
	l := a.limiter
	l.mu.Lock()
	defer l.mu.Unlock()
	a.undoLocked()
	l.forget(a.keys[0])
	if len(l.trusted) >= maxTrusted {
		for key := range l.trusted {
			delete(l.trusted, key)
			break
		}
	}
	l.trusted[a.keys[0]] = now
}

// rightAgain is right for a credential that was not tried because it is known.
func (l *limiter) rightAgain(area, name string, from netip.Addr) {
	if l.inUse.Load() == 0 {
		return
	}
	keys := l.keys(area, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(keys[0])
}

// sweep forgets old counters now and then, so that wait is free again some time after the last guess.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < forgetAfter/6 {
		return
	}
	l.swept = now
	for key, c := range l.counters {
		if now.Sub(c.last) >= forgetAfter {
			l.forget(key)
		}
	}
}

func (l *limiter) forget(key uint64) {
	if _, ok := l.counters[key]; ok {
		delete(l.counters, key)
		l.inUse.Add(-1)
	}
}
