package cloudapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait     = 500 * time.Millisecond // doubled with each try
	longestWait   = 8 * time.Second
	maxRetryAfter = 30 * time.Second // a platform that wants more is asked again too early rather than never
)

// repeat says after which failures a request is sent again. Timeouts, refused certificates and 500 are final for all.
type repeat uint8

const (
	// careful: only what was certainly not carried out, i.e. no connection came about, or the platform answered 429
	// or 503 and says when to come back.
	careful repeat = iota
	// resend: careful, and a connection that was lost before the reply. A deployment that is sent twice replaces itself.
	resend
	// always: a request that may be carried out twice. Also after a reply that broke off and after 429, 502, 503, 504.
	always
)

func (r repeat) allows(e *Error) bool {
	switch e.Status {
	case 0:
		return e.unsent || e.lost && r != careful
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return r == always || e.hasWait
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return r == always
	default:
		return e.lost && r == always
	}
}

// delay is how long to wait after the failed try n, counted from 0.
func (c *Client) delay(n int, e *Error) time.Duration {
	d := min(firstWait<<min(n, 10), longestWait)
	d = d/2 + time.Duration(c.o.Jitter()*float64(d/2))
	return max(d, min(e.wait, maxRetryAfter))
}

// retryAfter reads the Retry-After header, in seconds or as a date. A date counts from the reply's own Date, so the
// clock of this machine does not matter; without one it says nothing.
func retryAfter(h http.Header) (time.Duration, bool) {
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

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// watch ends a try that makes no progress for a while.
type watch struct {
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newWatch(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watch{limit: limit, cancel: cancel, timer: time.AfterFunc(limit, func() { cancel(errSlow) })}
}

// extend starts the time anew, with so many times the limit.
func (w *watch) extend(times time.Duration) { w.timer.Reset(times * w.limit) }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
