package password

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"
)

// Login is a credential of an area.
type Login struct {
	Area, Name, Password string
}

// Hashed is a credential of an area, with a bcrypt hash of its password.
type Hashed struct {
	Area, Name, Hash string
}

// Verdict is what a check found out.
type Verdict int

const (
	None   Verdict = iota // no Basic credential was sent
	Right                 // it opens the area
	Wrong                 // unknown name, wrong password or malformed: deliberately one and the same
	Locked                // not looked at: too many wrong ones before
	Busy                  // not looked at: the caller gave up waiting for a free core, or too many wait
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
	Hashed []Hashed // besides
	Cost   int      // bcrypt cost; 0 means DefaultCost
	Now    func() time.Time
	Random io.Reader
}

const (
	verifiedFor  = 5 * time.Minute // how long a checked credential is not checked again, since it was last used
	renewedAfter = time.Minute     // of use, so that most requests only read
	maxVerified  = 1024            // credentials remembered
	maxFlights   = 64              // credentials that are being checked or wait for it: some seconds of work
	reserved     = 16              // of these for addresses from which somebody has logged in
)

// Checker checks the credentials of all areas. It is safe for concurrent use.
type Checker struct {
	now       func() time.Time
	verifiers map[string]*verifiers // by area
	limits    *limiter
	compare   func(hash, password []byte) error // bcrypt's
	cores     chan struct{}                     // a place for each hash that may be computed at a time
	macs      sync.Pool                         // of *keyMAC under the process's key

	mu       sync.RWMutex
	verified map[Key]time.Time // until when
	welcomed map[Key]time.Time // credentials with addresses: until when a use of them need not be noted
	flights  map[Key]*flight
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
		verifiers: map[string]*verifiers{},
		limits:    newLimiter(),
		compare:   bcrypt.CompareHashAndPassword,
		cores:     make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		macs:      sync.Pool{New: func() any { return &keyMAC{mac: hmac.New(sha256.New, key[:])} }},
		verified:  map[Key]time.Time{},
		welcomed:  map[Key]time.Time{},
		flights:   map[Key]*flight{},
	}
	for _, login := range o.Logins {
		v, err := newVerifier(login, key[:], o.Cost)
		if err != nil {
			return nil, err
		}
		c.add(login.Area, v)
	}
	for _, login := range o.Hashed {
		v, err := newHashedVerifier(login)
		if err != nil {
			return nil, err
		}
		c.add(login.Area, v)
	}
	return c, nil
}

func (c *Checker) add(area string, v *verifier) {
	if c.verifiers[area] == nil {
		c.verifiers[area] = newVerifiers()
	}
	c.verifiers[area].add(v)
}

// Basic checks the value of an Authorization header that came over a connection; over may be nil. Anything but the Basic
// scheme is None.
func (c *Checker) Basic(ctx context.Context, area, authorization string, from netip.Addr, over *Recent) Result {
	v := c.verifiers[area]
	if v == nil || !IsBasic(authorization) {
		return Result{Verdict: None}
	}
	if last := over.recall(c, area, authorization); last != nil {
		if result := c.glance(v, &try{area: area, name: last.name, from: from, key: last.key}, c.now()); result.Verdict != None {
			return result
		}
	}
	both, ok := userPass(authorization)
	if !ok {
		return Result{Verdict: Wrong}
	}
	name, password := v.split(norm.NFC.String(both))
	t := try{area: area, name: name, password: password, from: from}
	result := c.check(ctx, v, &t)
	if result.Verdict == Right {
		over.remember(&recent{checker: c, area: area, authorization: strings.Clone(authorization), name: t.name, key: t.key})
	}
	return result
}

// Owns reports whether an Authorization header carries one of our user names in the Basic scheme, so that it
// was meant for the proxy and is none of the app's business. It reads on where Basic gives up, since apps may too.
func (c *Checker) Owns(authorization string) bool {
	if both, ok := userPass(authorization); ok {
		return c.names(both)
	}
	raw := looseUserPass(authorization)
	return len(raw) > 0 && (c.names(strings.ToValidUTF8(string(raw), "?")) || c.names(latin1(raw)))
}

// names reports whether "name:password" begins with one of our names.
func (c *Checker) names(userPass string) bool {
	userPass = norm.NFC.String(userPass)
	for _, v := range c.verifiers {
		if name, _ := v.split(userPass); v.byName[name] != nil && len(name) < len(userPass) {
			return true
		}
	}
	return false
}

// try is a credential that came from an address.
type try struct {
	area, name, password string // in Unicode's form NFC
	from                 netip.Addr
	key                  Key
}

// Check checks a name and a password that came from an address. They match in any Unicode form, since keyboards
// differ (RFC 8265, section 4.2). A credential that was found right a moment ago costs one HMAC. A lock holds for
// it too, or a guesser could ask the cache as fast as it answers.
func (c *Checker) Check(ctx context.Context, area, name, password string, from netip.Addr) Result {
	v := c.verifiers[area]
	if v == nil {
		return Result{Verdict: Wrong}
	}
	return c.check(ctx, v, &try{area: area, name: name, password: password, from: from})
}

func (c *Checker) check(ctx context.Context, v *verifiers, t *try) Result {
	if len(t.name)+len(t.password) > maxCredential {
		return Result{Verdict: Wrong}
	}
	t.name, t.password = norm.NFC.String(t.name), norm.NFC.String(t.password)
	t.key = c.key(t.area, t.name, t.password)
	if result := c.glance(v, t, c.now()); result.Verdict != None {
		return result
	}
	return c.verify(ctx, v, t)
}

// glance is what can be said of a credential without looking at it: None where it is neither locked nor known.
func (c *Checker) glance(v *verifiers, t *try, now time.Time) Result {
	if wait := c.limits.wait(t.area, t.name, t.from, now); wait > 0 {
		return Result{Verdict: Locked, Wait: wait}
	}
	if c.known(t, now) {
		return t.result(v, Right)
	}
	return Result{Verdict: None}
}

func (t *try) result(v *verifiers, verdict Verdict) Result {
	if verdict != Right {
		return Result{Verdict: verdict}
	}
	return Result{Verdict: Right, Name: v.displayName(t.name), Key: t.key}
}

// keyMAC computes keys without leaving anything behind.
type keyMAC struct {
	mac  hash.Hash
	text []byte
}

func (c *Checker) key(area, name, password string) Key {
	m := c.macs.Get().(*keyMAC)
	defer c.macs.Put(m)
	m.text = m.text[:0]
	for _, part := range [...]string{area, name, password} {
		m.text = append(binary.AppendUvarint(m.text, uint64(len(part))), part...)
	}
	m.mac.Reset()
	_, _ = m.mac.Write(m.text)
	clear(m.text) // it holds the password
	m.text = m.mac.Sum(m.text[:0])
	return Key(m.text)
}
