package remote

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait     = 500 * time.Millisecond // doubled with each try
	longestWait   = 8 * time.Second
	maxRetryAfter = 30 * time.Second
)

// isBusy tells the statuses that a later try may not meet again.
func isBusy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// delay is how long to wait after the failed try n, counted from 0; asked is what the host wants.
func (c *Client) delay(n int, asked time.Duration) time.Duration {
	d := min(firstWait<<min(n, 10), longestWait)
	d = d/2 + time.Duration(c.jitter()*float64(d/2))
	return max(d, min(asked, maxRetryAfter))
}

// retryAfter reads the Retry-After header, in seconds or as a date, which counts from the reply's own Date.
func retryAfter(h http.Header) time.Duration {
	raw := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(raw, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(raw)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, until.Sub(now))
}
