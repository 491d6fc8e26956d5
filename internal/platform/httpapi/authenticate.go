package httpapi

import (
	"context"
	"crypto/sha256"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

const (
	keyHeader = "Api_key" // api_key in the canonical form of net/http
	maxKey    = 200       // bytes
)

// authenticate returns the user that the key of a request belongs to.
func (a *API) authenticate(r *http.Request) (platform.User, error) {
	keys := r.Header[keyHeader]
	if len(keys) == 0 || keys[0] == "" {
		return platform.User{}, refuse(http.StatusUnauthorized, "API key missing: send it in the header api_key")
	}
	key := keys[0]
	if len(keys) > 1 || len(key) > maxKey {
		return platform.User{}, refuse(http.StatusUnauthorized, "Invalid API key")
	}
	from := addressOf(r)
	if wait := a.guesses.wait(from, key); wait > 0 {
		if err := a.guesses.sleep(r.Context(), wait); err != nil {
			return platform.User{}, err
		}
	}
	user, err := a.Users.UserByKey(r.Context(), key)
	if errors.Is(err, platform.ErrNotFound) {
		a.guesses.wrong(from, key)
		return platform.User{}, refuse(http.StatusUnauthorized, "Invalid API key")
	}
	if err == nil {
		a.guesses.right(key)
	}
	return user, err
}

const (
	freeGuesses   = 60                     // wrong keys that an address may send before it is slowed down
	guessInterval = 250 * time.Millisecond // after which it may send another one
	forgetAfter   = freeGuesses * guessInterval
	maxWait       = 2 * time.Second // the longest time that a key from such an address waits before it is checked
	maxWaiting    = 200             // requests that wait at the same time
	trustFor      = 24 * time.Hour  // keys that were valid within this time never wait
	maxAddresses  = 10_000          // that are remembered
	maxTrusted    = 10_000          // keys that are remembered
)

// guesses slows down clients that guess keys. A key has 256 random bits and cannot be guessed; this keeps those who try it
// anyway from using up the platform. Users with the same address as such a client, behind a shared router or a reverse proxy, go
// on: a key that has been valid before does not wait, a new one waits for a moment.
type guesses struct {
	now   func() time.Time
	debts *expiring.Map[netip.Prefix, time.Time] // when an address will have made up for its wrong keys
	known *expiring.Map[[sha256.Size]byte, struct{}]

	mu      sync.Mutex
	waiting int
}

func newGuesses(now func() time.Time) *guesses {
	return &guesses{
		now:   now,
		debts: expiring.New[netip.Prefix, time.Time](maxAddresses),
		known: expiring.New[[sha256.Size]byte, struct{}](maxTrusted),
	}
}

// wait returns how long a key from an address has to wait before it is checked.
func (g *guesses) wait(from netip.Prefix, key string) time.Duration {
	now := g.now()
	until, guessed := g.debts.Get(from, now)
	if !guessed {
		return 0
	}
	if _, ok := g.known.Get(platform.KeyHash(key), now); ok {
		return 0
	}
	return min(until.Sub(now)-forgetAfter, maxWait)
}

// sleep waits, unless too many requests do. The error is that of a client that disconnects meanwhile, or status 429.
func (g *guesses) sleep(ctx context.Context, d time.Duration) error {
	if !g.enter() {
		return &refusal{
			status: http.StatusTooManyRequests, detail: "Too many requests with invalid API keys. Try again in a moment.",
			header: http.Header{"Retry-After": {strconv.Itoa(int(maxWait / time.Second))}},
		}
	}
	defer g.leave()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *guesses) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= maxWaiting {
		return false
	}
	g.waiting++
	return true
}

func (g *guesses) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
}

// right remembers a valid key.
func (g *guesses) right(key string) {
	g.known.Put(platform.KeyHash(key), struct{}{}, g.now(), trustFor)
}

// wrong counts an invalid key from an address, and forgets that it was valid before.
func (g *guesses) wrong(from netip.Prefix, key string) {
	g.known.Delete(platform.KeyHash(key))
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	until, ok := g.debts.Get(from, now)
	if !ok {
		until = now
	}
	until = until.Add(guessInterval)
	if most := now.Add(forgetAfter + maxWait); until.After(most) {
		until = most
	}
	g.debts.Put(from, until, now, until.Sub(now))
}

// addressOf is the address that guesses are counted for: that of the client, of an IPv6 client its network, since one machine
// has 2^64 addresses.
func addressOf(r *http.Request) netip.Prefix {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Prefix{} // a Unix socket
	}
	addr = addr.Unmap()
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.WithZone("").Prefix(bits) // never fails for these
	return prefix
}
