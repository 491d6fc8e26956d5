package password

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"net/netip"
	"runtime"
	"sync"
	"time"
)

// Login is the one credential of an area.
type Login struct {
	Area, Name, Password string
}

// Verdict is what a check found out.
type Verdict int

const (
	None   Verdict = iota // no Basic credential was sent
	Right                 // it opens the area
	Wrong                 // unknown name, wrong password or malformed: deliberately one and the same
	Locked                // not looked at: too many wrong ones before
	Busy                  // not looked at: the caller gave up waiting for a free core
)

// Result is the outcome of a check.
type Result struct {
	Verdict Verdict
	Name    string        // of the credential, where Right
	Wait    time.Duration // until another try is looked at, where Locked
	Key     Key           // stands for the credential, where Right
}

// Key stands for one credential in one area: an HMAC under a key of this process.
type Key [sha256.Size]byte

// Options configure a Checker.
type Options struct {
	Logins []Login
	Cost   int // bcrypt cost; 0 means DefaultCost
	Now    func() time.Time
	Random io.Reader
}

const (
	verifiedFor = 5 * time.Minute // how long a checked credential is not checked again
	maxVerified = 256             // credentials remembered
)

// Checker checks the credentials of all areas. It is safe for concurrent use.
type Checker struct {
	now       func() time.Time
	verifiers map[string]*verifier
	limits    *limiter
	cores     chan struct{} // a place for each hash that may be computed at a time
	macs      sync.Pool     // of *keyMAC under the process's key

	mu       sync.RWMutex
	verified map[Key]time.Time // until when
	checking map[Key]*check
}

// check is one verification that several requests may wait for: a browser sends many at once.
type check struct {
	done   chan struct{}
	result Result
}

// NewChecker hashes the passwords, which takes as long as that many logins.
func NewChecker(o Options) (*Checker, error) {
	var key [32]byte
	if _, err := io.ReadFull(o.Random, key[:]); err != nil {
		return nil, fmt.Errorf("draw the key of the credential cache: %w", err)
	}
	if o.Cost == 0 {
		o.Cost = DefaultCost
	}
	c := &Checker{
		now:       o.Now,
		verifiers: map[string]*verifier{},
		limits:    newLimiter(),
		cores:     make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		macs:      sync.Pool{New: func() any { return &keyMAC{mac: hmac.New(sha256.New, key[:])} }},
		verified:  map[Key]time.Time{},
		checking:  map[Key]*check{},
	}
	for _, login := range o.Logins {
		v, err := newVerifier(login, key[:], o.Cost)
		if err != nil {
			return nil, err
		}
		c.verifiers[login.Area] = v
	}
	return c, nil
}

// Basic checks the value of an Authorization header. Anything but the Basic scheme is None.
func (c *Checker) Basic(ctx context.Context, area, authorization string, from netip.Addr) Result {
	v := c.verifiers[area]
	if v == nil || !IsBasic(authorization) {
		return Result{Verdict: None}
	}
	both, ok := userPass(authorization)
	if !ok {
		return Result{Verdict: Wrong}
	}
	name, password := split(both, v.name)
	return c.Check(ctx, area, name, password, from)
}

// Owns reports whether an Authorization header carries one of our user names in the Basic scheme, so that it
// was meant for the proxy and is none of the app's business.
func (c *Checker) Owns(authorization string) bool {
	if !IsBasic(authorization) {
		return false
	}
	both, ok := userPass(authorization)
	if !ok {
		return false
	}
	for _, v := range c.verifiers {
		if name, _ := split(both, v.name); name == v.name {
			return true
		}
	}
	return false
}

// Check checks a name and a password that came from an address. A credential that was found right a moment ago
// costs one HMAC. A lock holds for it too, or a guesser could ask the cache as fast as it answers.
func (c *Checker) Check(ctx context.Context, area, name, password string, from netip.Addr) Result {
	v := c.verifiers[area]
	if v == nil || len(name)+len(password) > maxCredential {
		return Result{Verdict: Wrong}
	}
	now := c.now()
	if wait := c.limits.wait(area, name, from, now); wait > 0 {
		return Result{Verdict: Locked, Wait: wait}
	}
	key := c.key(area, name, password)
	c.mu.RLock()
	until, known := c.verified[key]
	c.mu.RUnlock()
	if known && now.Before(until) {
		c.limits.rightAgain(area, name, from)
		return Result{Verdict: Right, Name: v.name, Key: key}
	}
	return c.once(ctx, key, from, func() Result { return c.verify(ctx, v, key, area, name, password, from) })
}

// once lets the first of several equal requests from one address do the work for all.
func (c *Checker) once(ctx context.Context, key Key, from netip.Addr, verify func() Result) Result {
	flight := key
	for i, b := range from.As16() {
		flight[i] ^= b
	}
	c.mu.Lock()
	running, ok := c.checking[flight]
	if !ok {
		running = &check{done: make(chan struct{}), result: Result{Verdict: Busy}}
		c.checking[flight] = running
	}
	c.mu.Unlock()
	if ok {
		select {
		case <-running.done:
			return running.result
		case <-ctx.Done():
			return Result{Verdict: Busy}
		}
	}
	defer func() {
		c.mu.Lock()
		delete(c.checking, flight)
		c.mu.Unlock()
		close(running.done)
	}()
	running.result = verify()
	return running.result
}

func (c *Checker) verify(ctx context.Context, v *verifier, key Key, area, name, password string, from netip.Addr) Result {
	try, wait := c.limits.begin(area, name, from, c.now())
	if wait > 0 {
		return Result{Verdict: Locked, Wait: wait}
	}
	select {
	case c.cores <- struct{}{}:
	case <-ctx.Done():
		try.undo()
		return Result{Verdict: Busy}
	}
	ok := v.check(name, password)
	<-c.cores
	now := c.now()
	if !ok {
		return Result{Verdict: Wrong}
	}
	try.right(now)
	c.remember(key, now)
	return Result{Verdict: Right, Name: v.name, Key: key}
}

func (c *Checker) remember(key Key, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.verified) >= maxVerified {
		clear(c.verified)
	}
	c.verified[key] = now.Add(verifiedFor)
}

// keyMAC computes keys without leaving anything behind.
type keyMAC struct {
	mac  hash.Hash
	text []byte
}

func (c *Checker) key(area, name, password string) Key {
	m := c.macs.Get().(*keyMAC)
	defer c.macs.Put(m)
	m.text = append(append(append(append(append(m.text[:0], area...), 0), name...), 0), password...)
	m.mac.Reset()
	_, _ = m.mac.Write(m.text)
	clear(m.text) // it holds the password
	m.text = m.mac.Sum(m.text[:0])
	return Key(m.text)
}
