package proxycmd

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// stalls cuts answers over HTTP/2 that a visitor does not take: there each has a window of its own, which stays closed
// while the connection below is as lively as can be. Of HTTP/1 the listener takes care. Deadlines around each write
// would double the time of a large body; a look at all of them from time to time costs nothing.
type stalls struct {
	after time.Duration
	now   func() time.Time

	mu   sync.Mutex
	open map[*stalling]struct{}
}

func newStalls(after time.Duration, now func() time.Time) *stalls {
	return &stalls{after: after, now: now, open: map[*stalling]struct{}{}}
}

// watch looks until done is closed.
func (s *stalls) watch(done <-chan struct{}) {
	ticker := time.NewTicker(s.after / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.cut()
		case <-done:
			return
		}
	}
}

// cut ends what has been writing for too long.
func (s *stalls) cut() {
	s.mu.Lock() // an answer is only touched while its handler runs, and that waits for us before it returns
	defer s.mu.Unlock()
	now := s.now()
	for a := range s.open {
		if since := a.since.Load(); since != 0 && now.Sub(time.Unix(0, since)) >= s.after {
			_ = a.control.SetWriteDeadline(time.Unix(1, 0)) // in the past: at once
		}
	}
}

// handler watches the answers of next.
func (s *stalls) handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 {
			next.ServeHTTP(w, r)
			return
		}
		a := &stalling{ResponseWriter: w, control: http.NewResponseController(w), now: s.now}
		s.mu.Lock()
		s.open[a] = struct{}{}
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			delete(s.open, a)
			s.mu.Unlock()
			_ = a.control.SetWriteDeadline(s.now().Add(s.after)) // the server writes the rest of the answer after the return
		}()
		next.ServeHTTP(a, r)
	})
}

// stalling is an answer that remembers since when it has been writing.
type stalling struct {
	http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
	since   atomic.Int64 // nanoseconds since 1970; 0 where nothing is being written
}

func (a *stalling) Write(p []byte) (int, error) {
	a.since.Store(a.now().UnixNano())
	defer a.since.Store(0)
	return a.ResponseWriter.Write(p)
}

// Flush is what a stream needs.
func (a *stalling) Flush() {
	a.since.Store(a.now().UnixNano())
	defer a.since.Store(0)
	_ = a.control.Flush() // a failure shows at the next write
}

// Unwrap is for http.ResponseController.
func (a *stalling) Unwrap() http.ResponseWriter { return a.ResponseWriter }
