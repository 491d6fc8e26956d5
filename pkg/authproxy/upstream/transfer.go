package upstream

import (
	"errors"
	"sync"
)

// ErrEnded is in the chain of the error for a request that its owner has ended. ErrBroken is there too where the header
// of the response had been passed on.
var ErrEnded = errors.New("request ended by its owner")

// transfer is the Transfer of one request.
type transfer struct {
	mu    sync.Mutex
	conn  *conn // that carries the request at the moment; nil where none does
	ended bool
}

var _ Transfer = (*transfer)(nil)

// take notes that c carries the request from now on; false where that has been ended.
func (t *transfer) take(c *conn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return false
	}
	t.conn = c
	return true
}

// release notes that the connection carries the request no more. It is false where the request has been ended, and
// the connection closed with it.
func (t *transfer) release() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.conn = nil
	return !t.ended
}

// Close ends the request. The connection is closed under the lock: a moment later it may carry another request.
func (t *transfer) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.conn != nil {
		t.conn.close()
	}
	return nil
}

func (t *transfer) hasEnded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ended
}

// Moved implements Transfer.
func (t *transfer) Moved() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.conn != nil && (t.conn.spliced.Load() || t.conn.moved.Swap(false))
}
