package password

import (
	"crypto/subtle"
	"sync/atomic"
)

// Recent remembers the credential that was last found right over one connection, since programs send the same with each
// request: it need not be decoded and hashed again to be found among those that are known. It opens nothing by itself.
// The zero value is empty. It is safe for concurrent use.
type Recent struct {
	last atomic.Pointer[recent]
}

type recent struct {
	checker             *Checker
	area, authorization string // the whole header
	name                string
	key                 Key
}

// recall returns what a header stands for, if it was the last. A nil Recent remembers nothing.
func (r *Recent) recall(c *Checker, area, authorization string) *recent {
	if r == nil {
		return nil
	}
	last := r.last.Load()
	// Several visitors may share a connection of a proxy in front: none may learn another's credential from our haste.
	if last == nil || last.checker != c || last.area != area ||
		subtle.ConstantTimeCompare([]byte(last.authorization), []byte(authorization)) == 0 {
		return nil
	}
	return last
}

func (r *Recent) remember(last *recent) {
	if r != nil {
		r.last.Store(last)
	}
}
