package password

import (
	"crypto/subtle"
	"sync/atomic"
)

// LastCredential remembers the credential that was last found right over one connection, since programs send the same
// with each request: it need not be decoded and hashed again to be looked up in the cache. It opens nothing by itself.
// The zero value is empty. It is safe for concurrent use.
type LastCredential struct {
	last atomic.Pointer[shown]
}

// shown is a header and what it stands for.
type shown struct {
	checker              *Checker
	scope, authorization string // the whole header
	name                 string
	key                  Key
}

// recall returns what a header stands for, if it was the last. A nil LastCredential remembers nothing.
func (l *LastCredential) recall(c *Checker, scope, authorization string) *shown {
	if l == nil {
		return nil
	}
	last := l.last.Load()
	// Several clients may share a connection of a proxy in front: none may learn another's credential from how long this takes.
	if last == nil || last.checker != c || last.scope != scope ||
		subtle.ConstantTimeCompare([]byte(last.authorization), []byte(authorization)) == 0 {
		return nil
	}
	return last
}

func (l *LastCredential) remember(last *shown) {
	if l != nil {
		l.last.Store(last)
	}
}
