package oidc

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxSpent is how many values are remembered, some 60 bytes each.
const maxSpent = 16 << 10

// spent remembers what may be used only once, for as long as it could be used. Its memory is bounded: when it is
// full, one of the oldest goes.
type spent struct {
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newSpent() *spent { return &spent{until: map[[sha256.Size]byte]time.Time{}} }

// use reports whether value is used for the first time, and remembers it until then.
func (s *spent) use(value string, now, until time.Time) bool {
	key := sha256.Sum256([]byte(value))
	s.mu.Lock()
	defer s.mu.Unlock()
	if end, known := s.until[key]; known && now.Before(end) {
		return false
	}
	if len(s.until) >= maxSpent {
		s.makeRoom(now)
	}
	s.until[key] = until
	return true
}

// makeRoom drops what has expired, and otherwise the first to expire of a few (a map is walked in random order).
func (s *spent) makeRoom(now time.Time) {
	const sample = 16
	var victim [sha256.Size]byte
	var soonest time.Time
	seen := 0
	for key, end := range s.until {
		if seen == 0 || end.Before(soonest) {
			victim, soonest = key, end
		}
		if seen++; seen == sample || !now.Before(soonest) {
			break
		}
	}
	delete(s.until, victim)
}
