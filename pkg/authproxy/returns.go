package authproxy

import (
	"io"
	"sync"
	"time"

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

// returns are the addresses to which logins under way lead back. The zero value is empty.
type returns struct {
	mu    sync.Mutex
	kept  map[returnKey]string
	order []returnEnd // oldest first
	bytes int         // of the addresses
}

type returnKey [8]byte

type returnEnd struct {
	key   returnKey
	until time.Time
}

// isKept begins what stands for an address that is kept. No address begins so.
const isKept = "@"

// keep returns what to put into the login's cookie for an address: itself, or what address finds it by.
func (n *returns) keep(address string, random io.Reader, now time.Time) (string, error) {
	if len(address) <= shortReturn {
		return address, nil
	}
	var key returnKey
	if _, err := io.ReadFull(random, key[:]); err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.order) > 0 && !now.Before(n.order[0].until) {
		n.bytes -= len(n.kept[n.order[0].key])
		delete(n.kept, n.order[0].key)
		n.order = n.order[1:]
	}
	switch full := len(n.kept) >= maxReturns || n.bytes+len(address) > maxReturnBytes; {
	case full && len(address) > longestInCookie:
		return "/", nil
	case full:
		return address, nil
	}
	if n.kept == nil {
		n.kept = map[returnKey]string{}
	}
	n.kept[key] = address
	n.bytes += len(address)
	n.order = append(n.order, returnEnd{key, now.Add(oidc.LoginTime)})
	return isKept + string(key[:]), nil
}

// address returns what keep was given; "/" where that is not known here any more: the login was begun at another
// process, or before a restart.
func (n *returns) address(kept string) string {
	if len(kept) != len(isKept)+len(returnKey{}) || kept[:len(isKept)] != isKept {
		return kept
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if address, ok := n.kept[returnKey([]byte(kept[len(isKept):]))]; ok {
		return address
	}
	return "/"
}
