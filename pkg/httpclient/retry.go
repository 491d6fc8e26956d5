// Package httpclient implements the rules shared by the HTTP clients of this module: retries and their delays,
// redirects and their headers, and the end of stalled transfers. It sends nothing itself and knows no server's
// API.
package httpclient

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	defaultRetries = 3
	firstWait      = 500 * time.Millisecond // doubled with each attempt
	longestWait    = 8 * time.Second
	maxRetryAfter  = 30 * time.Second // rather retry too early than never if a server asks for more
)

// Retry configures how often and after which delays a request is retried.
type Retry struct {
	Max    int                                        // further attempts after the first; 0 means 3, negative means none
	Sleep  func(context.Context, time.Duration) error // waits between attempts; nil: Sleep
	Jitter func() float64                             // in [0, 1); nil: random
}

// Failure is a failed attempt.
type Failure struct {
	Err   error
	Again bool          // another attempt may succeed
	After time.Duration // the delay requested by the server's Retry-After header
}

// Do calls try until it returns nil, fails permanently, has used up its attempts or ctx ends. It returns the last
// error, or that of Sleep. waiting, which may be nil, is called before each delay.
func (r Retry) Do(ctx context.Context, try func() *Failure, waiting func(err error, wait time.Duration)) error {
	tries := r.Max
	if tries == 0 {
		tries = defaultRetries
	}
	sleep := r.Sleep
	if sleep == nil {
		sleep = Sleep
	}
	for n := 0; ; n++ {
		failed := try()
		if failed == nil {
			return nil
		}
		if n >= tries || !failed.Again || ctx.Err() != nil {
			return failed.Err
		}
		wait := r.wait(n, failed.After)
		if waiting != nil {
			waiting(failed.Err, wait)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// wait is the delay after failed attempt n, counted from 0.
func (r Retry) wait(n int, asked time.Duration) time.Duration {
	jitter := r.Jitter
	if jitter == nil {
		jitter = rand.Float64
	}
	d := min(firstWait<<min(n, 10), longestWait)
	d = d/2 + time.Duration(jitter()*float64(d/2))
	return max(d, min(asked, maxRetryAfter))
}

// Busy reports whether a later attempt may not meet the status again.
func Busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// RetryAfter reads the Retry-After header (RFC 9110, 10.2.3), in seconds or as a date; ok is false where it says nothing.
// A date counts from the response's own Date, so the clock of this machine does not matter; without one it says nothing.
func RetryAfter(h http.Header) (wait time.Duration, ok bool) {
	raw := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(raw, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	until, err := http.ParseTime(raw)
	if err != nil {
		return 0, false
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0, false
	}
	return max(0, until.Sub(now)), true
}

// Sleep waits for d or for the end of ctx, whose error it returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
