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
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
)

// Login is a credential of a protected scope.
type Login struct {
	Scope, Name, Password string
}

// Hashed is a credential of a protected scope, with a bcrypt hash of its password.
type Hashed struct {
	Scope, Name, Hash string
}

// Verdict is what a check found out.
type Verdict int

const (
	None   Verdict = iota // no Basic credential was sent
	Right                 // it opens the scope
	Wrong                 // unknown name, wrong password or malformed: deliberately one and the same
	Locked                // not looked at: too many wrong ones before
	Busy                  // not looked at: the caller gave up waiting for its turn, or too many wait
)

// Result is the outcome of a check.
type Result struct {
	Verdict Verdict
	Name    string        // of the credential, where Right
	Wait    time.Duration // until another attempt is looked at, where Locked
	Key     Key           // stands for the credential, where Right
}

// Key stands for one credential in one scope: an HMAC under a key of this process.
type Key [sha256.Size]byte

// Options configure a Checker.
type Options struct {
	Logins []Login
	Hashed []Hashed // besides
	Cost   int      // bcrypt cost; 0 means DefaultCost
	Now    func() time.Time
	Random io.Reader
	Slots  *HashSlots // shared with other Checkers; nil means its own
}

const (
	verifiedFor  = 5 * time.Minute // how long a verified credential is not verified again, since it was last used
	renewedAfter = time.Minute     // of use, so that most requests only read
	maxVerified  = 1024            // credentials in the cache
	maxInFlight  = 64              // credentials that are being verified or wait for it: some seconds of work
	reserved     = 16              // of these for addresses from which a user has logged in
)

// Checker checks the credentials of all scopes. It is safe for concurrent use.
type Checker struct {
	now       func() time.Time
	verifiers map[string]*verifiers // by scope
	limits    *limiter
	compare   func(hash, password []byte) error // bcrypt's
	slots     *HashSlots
	macs      sync.Pool // of *keyMAC under the process's key

	verified *expiring.Map[Key, struct{}] // credentials
	noted    *expiring.Map[Key, struct{}] // credentials with addresses, whose use need not be noted again yet

	mu       sync.Mutex
	inFlight map[Key]*verification
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
	if o.Slots == nil {
		o.Slots = NewHashSlots(0)
	}
	c := &Checker{
		now:       o.Now,
		verifiers: map[string]*verifiers{},
		limits:    newLimiter(),
		compare:   bcrypt.CompareHashAndPassword,
		slots:     o.Slots,
		macs:      sync.Pool{New: func() any { return &keyMAC{mac: hmac.New(sha256.New, key[:])} }},
		verified:  expiring.New[Key, struct{}](maxVerified),
		noted:     expiring.New[Key, struct{}](maxTrusted),
		inFlight:  map[Key]*verification{},
	}
	for _, login := range o.Logins {
		v, err := newVerifier(login, key[:], o.Cost)
		if err != nil {
			return nil, err
		}
		c.add(login.Scope, v)
	}
	for _, login := range o.Hashed {
		v, err := newHashedVerifier(login)
		if err != nil {
			return nil, err
		}
		c.add(login.Scope, v)
	}
	return c, nil
}

func (c *Checker) add(scope string, v *verifier) {
	if c.verifiers[scope] == nil {
		c.verifiers[scope] = newVerifiers()
	}
	c.verifiers[scope].add(v)
}

// Basic checks the value of an Authorization header that came over a connection; over may be nil. Anything but the Basic
// scheme is None.
func (c *Checker) Basic(ctx context.Context, scope, authorization string, from netip.Addr, over *LastCredential) Result {
	v := c.verifiers[scope]
	if v == nil || !IsBasic(authorization) {
		return Result{Verdict: None}
	}
	if last := over.recall(c, scope, authorization); last != nil {
		if result := c.checkCache(v, &attempt{scope: scope, name: last.name, from: from, key: last.key}, c.now()); result.Verdict != None {
			return result
		}
	}
	both, ok := userPass(authorization)
	if !ok {
		return Result{Verdict: Wrong}
	}
	name, password := v.split(norm.NFC.String(both))
	a := attempt{scope: scope, name: name, password: password, from: from}
	result := c.check(ctx, v, &a)
	if result.Verdict == Right {
		over.remember(&shown{checker: c, scope: scope, authorization: strings.Clone(authorization), name: a.name, key: a.key})
	}
	return result
}

// Owns reports whether an Authorization header carries one of our user names in the Basic scheme, so that it
// was meant for the proxy and not for the app. It reads on where Basic gives up, since apps may too.
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

// attempt is a credential that came from an address.
type attempt struct {
	scope, name, password string // in Unicode's form NFC
	from                  netip.Addr
	key                   Key
}

// Check checks a name and a password that came from an address. They match in any Unicode form, since keyboards
// differ (RFC 8265, section 4.2). A credential in the cache costs one HMAC. A lock holds for
// it too, or a guesser could ask the cache as fast as it answers.
func (c *Checker) Check(ctx context.Context, scope, name, password string, from netip.Addr) Result {
	v := c.verifiers[scope]
	if v == nil {
		return Result{Verdict: Wrong}
	}
	return c.check(ctx, v, &attempt{scope: scope, name: name, password: password, from: from})
}

func (c *Checker) check(ctx context.Context, v *verifiers, a *attempt) Result {
	if len(a.name)+len(a.password) > maxCredential {
		return Result{Verdict: Wrong}
	}
	a.name, a.password = norm.NFC.String(a.name), norm.NFC.String(a.password)
	a.key = c.key(a.scope, a.name, a.password)
	if result := c.checkCache(v, a, c.now()); result.Verdict != None {
		return result
	}
	return c.verify(ctx, v, a)
}

// checkCache is what can be said of a credential without verifying it: None where it is neither locked nor in the cache.
func (c *Checker) checkCache(v *verifiers, a *attempt, now time.Time) Result {
	if wait := c.limits.wait(a.scope, a.name, a.from, now); wait > 0 {
		return Result{Verdict: Locked, Wait: wait}
	}
	if c.cached(a, now) {
		return a.result(v, Right)
	}
	return Result{Verdict: None}
}

// cached reports whether a credential was verified a moment ago, and keeps it in the cache for longer.
func (c *Checker) cached(a *attempt, now time.Time) bool {
	if _, ok := c.verified.Get(a.key, now); !ok {
		return false
	}
	client := a.key
	for i, b := range a.from.As16() {
		client[i] ^= b
	}
	_, noted := c.noted.Get(client, now)
	if noted && c.limits.idle() {
		return true
	}
	c.limits.noteLogin(a.scope, a.name, a.from, now)
	if !noted {
		c.verified.Put(a.key, struct{}{}, now, verifiedFor)
		c.noted.Put(client, struct{}{}, now, renewedAfter)
	}
	return true
}

func (a *attempt) result(v *verifiers, verdict Verdict) Result {
	if verdict != Right {
		return Result{Verdict: verdict}
	}
	return Result{Verdict: Right, Name: v.displayName(a.name), Key: a.key}
}

// keyMAC computes keys without leaving anything behind.
type keyMAC struct {
	mac  hash.Hash
	text []byte
}

func (c *Checker) key(scope, name, password string) Key {
	m := c.macs.Get().(*keyMAC)
	defer c.macs.Put(m)
	m.text = m.text[:0]
	for _, part := range [...]string{scope, name, password} {
		m.text = append(binary.AppendUvarint(m.text, uint64(len(part))), part...)
	}
	m.mac.Reset()
	_, _ = m.mac.Write(m.text)
	clear(m.text) // it holds the password
	m.text = m.mac.Sum(m.text[:0])
	return Key(m.text)
}
