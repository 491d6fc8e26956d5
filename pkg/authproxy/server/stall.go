package server

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// stalls cuts HTTP/2 responses that a client does not read: each stream has a flow-control window of its own, which can
// stay closed on a busy connection. HTTP/1 connections are covered by the listener. A deadline around each write would
// double the time of a large body; checking all responses from time to time costs nothing.
type stalls struct {
	after time.Duration
	now   func() time.Time

	mu   sync.Mutex
	open map[*stalling]struct{}
}

func newStalls(after time.Duration, now func() time.Time) *stalls {
	return &stalls{after: after, now: now, open: map[*stalling]struct{}{}}
}

// watch checks until done is closed.
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

// cut ends responses that have been blocked for too long.
func (s *stalls) cut() {
	s.mu.Lock() // safe: a handler waits for us before it returns
	defer s.mu.Unlock()
	now := s.now()
	for a := range s.open {
		if since := a.since.Load(); since != 0 && now.Sub(time.Unix(0, since)) >= s.after {
			_ = a.control.SetWriteDeadline(time.Unix(1, 0)) // in the past: fails immediately
		}
	}
}

// handler tracks the responses of next.
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
			_ = a.control.SetWriteDeadline(s.now().Add(s.after)) // the server writes the rest of the response after the return
		}()
		next.ServeHTTP(a, r)
	})
}

// stalling is a response writer that records since when it has been blocked.
type stalling struct {
	http.ResponseWriter
	control *http.ResponseController
	now     func() time.Time
	since   atomic.Int64 // Unix nanoseconds; 0 when no write is in progress
}

func (a *stalling) Write(p []byte) (int, error) {
	a.since.Store(a.now().UnixNano())
	defer a.since.Store(0)
	return a.ResponseWriter.Write(p)
}

// Flush supports streaming.
func (a *stalling) Flush() {
	a.since.Store(a.now().UnixNano())
	defer a.since.Store(0)
	_ = a.control.Flush() // an error shows at the next write
}

// Unwrap supports http.ResponseController.
func (a *stalling) Unwrap() http.ResponseWriter { return a.ResponseWriter }
