package password

import (
	"encoding/binary"
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
// try a second among them. From where a user has logged in before only guesses of that user's own password
// from there lock, so that nobody can lock somebody else out from afar or, behind a shared address, with
// names that are made up.
var (
	perPair    = rule{free: 5, first: 5 * time.Second, longest: 15 * time.Minute}
	perAddress = rule{free: 20, first: 5 * time.Second, longest: 15 * time.Minute}
	perSite    = rule{free: 100, first: 5 * time.Second, longest: time.Minute}
	perUser    = rule{free: 100, first: time.Second, longest: time.Second}
)

const (
	forgetAfter  = time.Hour          // without a wrong password, the count starts again
	forgiveEvery = 10 * time.Minute   // how often right passwords start a pair's count again, amid guesses of others
	trustedFor   = 7 * 24 * time.Hour // after somebody's last login from an address
	maxEntries   = 16 << 10           // counters kept, some 100 bytes each
	maxTrusted   = 4 << 10            // addresses kept from which somebody has logged in
	sample       = 16                 // entries looked at to find an old one to drop
)

// limiter counts wrong passwords. Its memory is bounded: when it is full, one of the oldest counters goes.
type limiter struct {
	seed  maphash.Seed
	inUse atomic.Int64 // entries in counters, to skip the lock while nobody guesses

	mu       sync.Mutex
	counters map[uint64]counter
	trusted  map[uint64]time.Time // pairs, and when the last login was
	swept    time.Time
}

type counter struct {
	wrong    int
	pending  int       // tries under way: each may turn out wrong, so they take up what is free
	last     time.Time // change
	locked   time.Time // until when further tries are not looked at
	forgiven time.Time // when wrong was last set to zero by a right password
}

func newLimiter() *limiter {
	return &limiter{seed: maphash.MakeSeed(), counters: map[uint64]counter{}, trusted: map[uint64]time.Time{}}
}

// scopes are what a try counts for: the pair of user and address, the address, the site (0 for IPv4), the user.
type scopes [4]uint64

func (scopes) rules() [4]rule { return [4]rule{perPair, perAddress, perSite, perUser} }

// scopes counts a subscriber's whole IPv6 network, a /64, as one address, and a /48 as a site.
func (l *limiter) scopes(area, name string, from netip.Addr) scopes {
	from = from.Unmap()
	var s scopes
	if from.Is6() {
		s[2] = l.key("site", netip.PrefixFrom(from, 48).Masked().Addr())
		from = netip.PrefixFrom(from, 64).Masked().Addr()
	}
	s[0], s[1], s[3] = l.key("pair", from, area, name), l.key("address", from), l.key("user", netip.Addr{}, area, name)
	return s
}

func (l *limiter) key(kind string, addr netip.Addr, parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(l.seed)
	_, _ = h.WriteString(kind)
	bytes := addr.As16()
	_, _ = h.Write(bytes[:])
	for _, p := range parts {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		_, _ = h.Write(size[:])
		_, _ = h.WriteString(p)
	}
	return h.Sum64()
}

// idle reports whether there is no wrong password to forgive.
func (l *limiter) idle() bool { return l.inUse.Load() == 0 }

// wait returns how long tries by name from an address are not looked at; 0 means they are.
func (l *limiter) wait(area, name string, from netip.Addr, now time.Time) time.Duration {
	if l.idle() {
		return 0
	}
	s := l.scopes(area, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	longest := time.Duration(0)
	for _, key := range l.binding(s, now) {
		longest = max(longest, l.counters[key].locked.Sub(now))
	}
	return longest
}

// trusts reports whether name has logged in from an address.
func (l *limiter) trusts(area, name string, from netip.Addr, now time.Time) bool {
	s := l.scopes(area, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.binding(s, now)) == 1
}

// binding returns the scopes whose locks hold for a try: of a pair that is trusted only its own.
func (l *limiter) binding(s scopes, now time.Time) []uint64 {
	if last, ok := l.trusted[s[0]]; ok && now.Sub(last) < trustedFor {
		return s[:1]
	}
	return s[:]
}

// attempt is one try that is under way. It ends with exactly one of undo, wrong and right.
type attempt struct {
	limiter *limiter
	scopes  scopes
}

// begin lets a try be looked at, or returns how long to wait before the next. Tries that are under way count as
// wrong here, or many at once would get past the limit.
func (l *limiter) begin(area, name string, from netip.Addr, now time.Time) (attempt, time.Duration) {
	s := l.scopes(area, name, from)
	rules := s.rules()
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := time.Duration(0)
	for i, key := range l.binding(s, now) {
		c := l.counters[key].at(now)
		longest = max(longest, c.locked.Sub(now))
		if key != 0 && c.pending >= max(rules[i].free-c.wrong, 1) {
			longest = max(longest, rules[i].first)
		}
	}
	if longest > 0 {
		return attempt{}, longest
	}
	for _, key := range s {
		if key != 0 {
			c := l.make(key, now)
			c.pending++
			l.counters[key] = c
		}
	}
	return attempt{limiter: l, scopes: s}, 0
}

// at is the counter as it is now: what is old does not count.
func (c counter) at(now time.Time) counter {
	if now.Sub(c.last) >= forgetAfter {
		return counter{pending: c.pending, last: now}
	}
	return c
}

// make returns the counter of key, a new one where there is none.
func (l *limiter) make(key uint64, now time.Time) counter {
	c, ok := l.counters[key]
	if !ok {
		l.makeRoom()
		l.inUse.Add(1)
	}
	return c.at(now)
}

// makeRoom drops the oldest of a few counters (a map is walked in random order) when there are too many, one that
// has a try under way only where all of the few have.
func (l *limiter) makeRoom() {
	if len(l.counters) < maxEntries {
		return
	}
	var victim uint64
	var least counter
	seen := 0
	for key, c := range l.counters {
		if idle := c.pending == 0; seen == 0 || idle && (least.pending > 0 || c.last.Before(least.last)) {
			victim, least = key, c
		}
		if seen++; seen == sample {
			break
		}
	}
	l.forget(victim)
}

// undo takes the try back: it was not looked at.
func (a attempt) undo() {
	a.limiter.mu.Lock()
	defer a.limiter.mu.Unlock()
	a.end(func(c counter, _ rule) counter { return c })
}

// wrong counts the try, and locks where that was one too many.
func (a attempt) wrong(now time.Time) {
	a.limiter.mu.Lock()
	defer a.limiter.mu.Unlock()
	a.end(func(c counter, r rule) counter {
		c = c.at(now)
		c.wrong++
		c.last = now
		if over := c.wrong - r.free; over >= 0 {
			c.locked = now.Add(min(r.first<<min(over, 20), r.longest))
		}
		return c
	})
}

// right takes the try back, since the password was right, and welcomes the user.
func (a attempt) right(now time.Time) {
	a.limiter.mu.Lock()
	defer a.limiter.mu.Unlock()
	a.end(func(c counter, _ rule) counter { return c })
	a.limiter.trust(a.scopes[0], now)
}

// end is the end of a try for each of its counters.
func (a attempt) end(change func(counter, rule) counter) {
	rules := a.scopes.rules()
	for i, key := range a.scopes {
		c, ok := a.limiter.counters[key]
		if !ok {
			continue
		}
		c.pending = max(c.pending-1, 0)
		if c = change(c, rules[i]); c.wrong == 0 && c.pending == 0 && c.forgiven.IsZero() {
			a.limiter.forget(key)
			continue
		}
		a.limiter.counters[key] = c
	}
}

// welcome is attempt.right for a credential that was not tried because it is known.
func (l *limiter) welcome(area, name string, from netip.Addr, now time.Time) {
	s := l.scopes(area, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trust(s[0], now)
}

// trust notes a login of a pair and lets its count start anew. That is not for each of a visitor's requests, or
// whoever shares the address could guess in between for ever.
func (l *limiter) trust(pair uint64, now time.Time) {
	if c, ok := l.counters[pair]; ok && c.wrong > 0 && now.Sub(c.forgiven) >= forgiveEvery {
		l.counters[pair] = counter{pending: c.pending, last: now, forgiven: now}
	}
	if _, ok := l.trusted[pair]; !ok && len(l.trusted) >= maxTrusted {
		var victim uint64
		oldest, seen := now, 0
		for key, last := range l.trusted {
			if seen == 0 || last.Before(oldest) {
				victim, oldest = key, last
			}
			if seen++; seen == sample {
				break
			}
		}
		delete(l.trusted, victim)
	}
	l.trusted[pair] = now
}

// sweep forgets old counters now and then, so that wait is free again some time after the last guess.
func (l *limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < forgetAfter/6 {
		return
	}
	l.swept = now
	for key, c := range l.counters {
		if c.pending == 0 && now.Sub(c.last) >= forgetAfter {
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
