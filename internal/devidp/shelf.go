package devidp

import "time"

// shelf keeps things for a while, and not too many. The caller has the lock.
type shelf[T any] struct {
	now   func() time.Time
	life  time.Duration
	most  int
	items map[string]shelved[T]
}

type shelved[T any] struct {
	value T
	until time.Time
}

func newShelf[T any](now func() time.Time, life time.Duration, most int) *shelf[T] {
	return &shelf[T]{now: now, life: life, most: most, items: map[string]shelved[T]{}}
}

// put keeps a value for the shelf's time. A full shelf loses what would go first.
func (s *shelf[T]) put(name string, value T) {
	now := s.now()
	if len(s.items) >= s.most {
		oldest := ""
		for other, item := range s.items {
			if !now.Before(item.until) {
				delete(s.items, other)
			} else if oldest == "" || item.until.Before(s.items[oldest].until) {
				oldest = other
			}
		}
		if len(s.items) >= s.most {
			delete(s.items, oldest)
		}
	}
	s.items[name] = shelved[T]{value, now.Add(s.life)}
}

func (s *shelf[T]) get(name string) (T, bool) {
	item, ok := s.items[name]
	if !ok || !s.now().Before(item.until) {
		var none T
		return none, false
	}
	return item.value, true
}

// take returns a value and removes it: for what is good once.
func (s *shelf[T]) take(name string) (T, bool) {
	value, ok := s.get(name)
	delete(s.items, name)
	return value, ok
}

// drop removes all values that match.
func (s *shelf[T]) drop(match func(T) bool) {
	for name, item := range s.items {
		if match(item.value) {
			delete(s.items, name)
		}
	}
}
