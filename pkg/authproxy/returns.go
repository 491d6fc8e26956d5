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
	// maxReturns is how many addresses are kept, of maxReturn bytes at most: 8 MB. Beyond that they are in the cookies,
	// so that a flood of logins costs no more memory and nobody's address is lost to it (security class 21).
	maxReturns = 4 << 10
)

// returns are the addresses to which logins under way lead back. The zero value is empty.
type returns struct {
	mu    sync.Mutex
	kept  map[returnKey]string
	order []returnEnd // oldest first
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
		delete(n.kept, n.order[0].key)
		n.order = n.order[1:]
	}
	if len(n.kept) >= maxReturns {
		return address, nil
	}
	if n.kept == nil {
		n.kept = map[returnKey]string{}
	}
	n.kept[key] = address
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
