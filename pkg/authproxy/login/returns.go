package login

import (
	"io"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/expiring"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

const (
	// shortReturn is the size in bytes up to which an address to return to stays in the login's cookie. A longer one is
	// kept here: a browser that restores its tabs begins dozens of logins at once, and each would cost it up to 3 KB.
	shortReturn = 16
	// maxReturns and maxReturnBytes are how many addresses are kept, and how much they may take together. Beyond that they
	// are in the cookies, so that a flood of logins costs no more memory (security class 21); those do not hold more than
	// longestInCookie, as browsers drop cookies of more than 4 KB.
	maxReturns      = 4 << 10
	maxReturnBytes  = 8 << 20
	longestInCookie = 2 << 10
)

// returns are the addresses to which logins in progress return.
type returns struct {
	kept *expiring.Map[returnKey, string]

	mu    sync.Mutex
	bytes int // of the addresses
}

type returnKey [8]byte

func newReturns() *returns {
	r := &returns{kept: expiring.New[returnKey, string](maxReturns)}
	r.kept.OnDrop = func(_ returnKey, address string) { r.bytes -= len(address) } // within keep
	return r
}

// isKept begins the key of an address that is kept here. No address begins so.
const isKept = "@"

// keep returns what to put into the login's cookie for an address: the address itself, or a key for method address. No
// address is dropped for another, so that a flood of logins does not affect other users.
func (r *returns) keep(address string, random io.Reader, now time.Time) (string, error) {
	if len(address) <= shortReturn {
		return address, nil
	}
	var key returnKey
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	fits := func() bool { return r.kept.Len() < maxReturns && r.bytes+len(address) <= maxReturnBytes }
	for more := true; more && !fits(); {
		more = r.kept.DropExpired(now)
	}
	switch {
	case fits():
	case len(address) > longestInCookie:
		return "/", nil
	default:
		return address, nil
	}
	r.bytes += len(address)
	r.kept.Put(key, address, now, oidc.LoginTime)
	return isKept + string(key[:]), nil
}

// address returns the address that keep was given, or "/" if it is not known here: the login was begun at another process,
// or before a restart.
func (r *returns) address(kept string, now time.Time) string {
	if len(kept) != len(isKept)+len(returnKey{}) || kept[:len(isKept)] != isKept {
		return kept
	}
	if address, ok := r.kept.Get(returnKey([]byte(kept[len(isKept):])), now); ok {
		return address
	}
	return "/"
}
