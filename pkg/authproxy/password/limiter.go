package password

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// rule says how many wrong passwords are free and how long each one after that locks: first, then twice as
// long each time, at most longest.
type rule struct {
	free           int
	first, longest time.Duration
}

// One client that guesses is locked out soon. Many that guess one user's password together are slowed to one
// attempt a second among them. A user who has logged in from an address before is locked there only by guesses of that
// user's own password from that address, so that nobody can lock another user out from elsewhere or, behind a shared
// address, with invented names.
var (
	perPair    = rule{free: 5, first: 5 * time.Second, longest: 15 * time.Minute}
	perAddress = rule{free: 20, first: 5 * time.Second, longest: 15 * time.Minute}
	perSite    = rule{free: 100, first: 5 * time.Second, longest: time.Minute}
	perUser    = rule{free: 100, first: time.Second, longest: time.Second}
)

const (
	forgetAfter  = time.Hour          // without a wrong password, the count starts again
	forgiveEvery = 10 * time.Minute   // how often right passwords start a pair's count again, amid guesses of others
	trustedFor   = 7 * 24 * time.Hour // after a user's last login from an address
	maxCounters  = 16 << 10           // counters kept, some 250 bytes each
	maxTrusted   = 4 << 10            // addresses kept from which a user has logged in
)

// limiter counts wrong passwords. Its memory is bounded: when it is full, the counter goes that was changed least
// recently. Those of attempts under way are not among them: they have just been changed, and there are few.
type limiter struct {
	seed maphash.Seed

	mu       sync.Mutex // for what takes more than one step
	counters *expiring.Map[uint64, counter]
	trusted  *expiring.Map[uint64, struct{}] // pairs that have logged in
}

type counter struct {
	wrong    int
	pending  int       // attempts under way: each may turn out wrong, so they take up what is free
	last     time.Time // change
	locked   time.Time // until when further attempts are not looked at
	forgiven time.Time // when wrong was last set to zero by a right password
}

func newLimiter() *limiter {
	return &limiter{seed: maphash.MakeSeed(), counters: expiring.New[uint64, counter](maxCounters),
		trusted: expiring.New[uint64, struct{}](maxTrusted)}
}

// counterKeys are of what an attempt counts for: the pair of user and address, the address, the site (0 for IPv4), the
// user.
type counterKeys [4]uint64

func (counterKeys) rules() [4]rule { return [4]rule{perPair, perAddress, perSite, perUser} }

// keys takes a subscriber's whole IPv6 network, a /64, for one address, and a /48 for a site.
func (l *limiter) keys(scope, name string, from netip.Addr) counterKeys {
	from = from.Unmap()
	var k counterKeys
	if from.Is6() {
		k[2] = l.hash("site", netip.PrefixFrom(from, 48).Masked().Addr())
		from = netip.PrefixFrom(from, 64).Masked().Addr()
	}
	k[0], k[1], k[3] = l.hash("pair", from, scope, name), l.hash("address", from), l.hash("user", netip.Addr{}, scope, name)
	return k
}

func (l *limiter) hash(kind string, addr netip.Addr, parts ...string) uint64 {
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
func (l *limiter) idle() bool { return l.counters.Len() == 0 }

// wait returns how long attempts by name from an address are not looked at; 0 means they are.
func (l *limiter) wait(scope, name string, from netip.Addr, now time.Time) time.Duration {
	if l.idle() {
		return 0
	}
	l.counters.DropExpired(now) // so that it is idle again some time after the last guess
	k := l.keys(scope, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := time.Duration(0)
	for _, key := range l.inForce(k, now) {
		longest = max(longest, l.counter(key, now).locked.Sub(now))
	}
	return longest
}

// trusts reports whether name has logged in from an address.
func (l *limiter) trusts(scope, name string, from netip.Addr, now time.Time) bool {
	_, ok := l.trusted.Get(l.keys(scope, name, from)[0], now)
	return ok
}

// inForce returns the keys of the locks that hold for an attempt: of a pair that is trusted only its own.
func (l *limiter) inForce(k counterKeys, now time.Time) []uint64 {
	if _, ok := l.trusted.Get(k[0], now); ok {
		return k[:1]
	}
	return k[:]
}

// counter returns a counter as it is now, a new one where there is none: what is old does not count.
func (l *limiter) counter(key uint64, now time.Time) counter {
	c, ok := l.counters.Get(key, now)
	if !ok || now.Sub(c.last) >= forgetAfter {
		return counter{pending: c.pending, last: now}
	}
	return c
}

// reservation is one attempt under way. It ends with exactly one of cancel, wrong and right.
type reservation struct {
	limiter *limiter
	keys    counterKeys
}

// reserve lets an attempt be looked at, or returns how long to wait before the next. Attempts under way count as
// wrong here, or many at once would get past the limit.
func (l *limiter) reserve(scope, name string, from netip.Addr, now time.Time) (reservation, time.Duration) {
	k := l.keys(scope, name, from)
	rules := k.rules()
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := time.Duration(0)
	for i, key := range l.inForce(k, now) {
		c := l.counter(key, now)
		longest = max(longest, c.locked.Sub(now))
		if key != 0 && c.pending >= max(rules[i].free-c.wrong, 1) {
			longest = max(longest, rules[i].first)
		}
	}
	if longest > 0 {
		return reservation{}, longest
	}
	for _, key := range k {
		if key != 0 {
			c := l.counter(key, now)
			c.pending++
			l.counters.Put(key, c, now, forgetAfter)
		}
	}
	return reservation{limiter: l, keys: k}, 0
}

// cancel takes the attempt back: it was not looked at.
func (r reservation) cancel(now time.Time) {
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	r.end(now, func(c counter, _ rule) counter { return c })
}

// wrong counts the attempt, and locks where that was one too many.
func (r reservation) wrong(now time.Time) {
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	r.end(now, func(c counter, limit rule) counter {
		c.wrong++
		c.last = now
		if over := c.wrong - limit.free; over >= 0 {
			c.locked = now.Add(min(limit.first<<min(over, 20), limit.longest))
		}
		return c
	})
}

// right takes the attempt back, since the password was right, and notes the login.
func (r reservation) right(now time.Time) {
	r.limiter.mu.Lock()
	defer r.limiter.mu.Unlock()
	r.end(now, func(c counter, _ rule) counter { return c })
	r.limiter.trust(r.keys[0], now)
}

// end changes each of the attempt's counters.
func (r reservation) end(now time.Time, change func(counter, rule) counter) {
	rules := r.keys.rules()
	for i, key := range r.keys {
		if _, ok := r.limiter.counters.Get(key, now); !ok {
			continue
		}
		c := r.limiter.counter(key, now)
		c.pending = max(c.pending-1, 0)
		if c = change(c, rules[i]); c.wrong == 0 && c.pending == 0 && c.forgiven.IsZero() {
			r.limiter.counters.Delete(key)
			continue
		}
		r.limiter.counters.Put(key, c, now, forgetAfter)
	}
}

// noteLogin is reservation.right for a credential that need not be verified.
func (l *limiter) noteLogin(scope, name string, from netip.Addr, now time.Time) {
	k := l.keys(scope, name, from)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.trust(k[0], now)
}

// trust notes a login of a pair and lets its count start anew. That is not for each of a client's requests, or
// others behind the same address could guess in between without end.
func (l *limiter) trust(pair uint64, now time.Time) {
	if c, ok := l.counters.Get(pair, now); ok && c.wrong > 0 && now.Sub(c.forgiven) >= forgiveEvery {
		l.counters.Put(pair, counter{pending: c.pending, last: now, forgiven: now}, now, forgetAfter)
	}
	l.trusted.Put(pair, struct{}{}, now, trustedFor)
}
