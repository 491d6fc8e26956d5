package password

import (
	"context"
	"runtime"
)

// HashSlots bound how many password hashes are computed at a time: each keeps a core busy for some 50 ms, and the rest
// is for requests. A process that serves many apps gives all Checkers the same.
type HashSlots struct {
	taken chan struct{} // holds a value for each hash
}

// NewHashSlots returns n slots; 0 means one for every second core.
func NewHashSlots(n int) *HashSlots {
	if n <= 0 {
		n = max(1, runtime.GOMAXPROCS(0)/2)
	}
	return &HashSlots{make(chan struct{}, n)}
}

// acquire waits for a slot; it is false where ctx ends first.
func (s *HashSlots) acquire(ctx context.Context) bool {
	select {
	case s.taken <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *HashSlots) release() { <-s.taken }
