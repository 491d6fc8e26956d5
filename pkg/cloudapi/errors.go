package cloudapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// What errors.Is tells about an error of this package. An error can be several of them: a web page that comes
// with status 502 is ErrServer and ErrBadReply.
var (
	ErrUnauthorized = errors.New("refused by the platform")   // 401, 403, or a key that cannot be sent
	ErrNotFound     = errors.New("not known to the platform") // 404
	ErrServer       = errors.New("failure of the platform")   // 5xx
	ErrBadReply     = errors.New("reply that cannot be read") // a web page, nothing, cut off, not JSON
	ErrTooLarge     = errors.New("reply that is too large")
	ErrNetwork      = errors.New("platform that could not be reached") // no connection, a lost one, no answer in time
)

const (
	maxDetail = 300 // characters of text from outside that a message shows
	minMasked = 4   // characters; shorter keys would mask ordinary words
)

// Error is a failed request. Its message is one line of bounded length without control characters and never holds
// the key. Where the caller's context ended the request, the error wraps ctx.Err().
type Error struct {
	Status       int    // of the reply; 0 without one
	Detail       string // what the platform says about it, cleaned like the message; may be empty
	Method, Path string // of the request

	msg   string
	kind  error // the sentinel that Status does not imply, or nil
	cause error // for errors.Is and As; not shown

	webPage  bool // so Status speaks for a proxy, not for the platform
	garbled  bool // the response is not complete JSON, so it is not an answer of the platform
	unsent   bool // no connection came about
	lost     bool // the connection broke before the reply was complete
	doubtful bool // an earlier try may have been carried out
	hasWait  bool // the reply says how long to wait:
	wait     time.Duration
}

func (e *Error) Error() string { return e.msg }

func (e *Error) Unwrap() error { return e.cause }

// Is matches the sentinels of this package.
func (e *Error) Is(target error) bool {
	switch target {
	case nil:
		return false
	case e.kind:
		return true
	case ErrServer:
		return e.Status >= 500
	case ErrUnauthorized:
		return !e.webPage && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
	case ErrNotFound:
		return !e.webPage && e.Status == http.StatusNotFound
	}
	return false
}

// Passing tells whether the same request may well succeed a little later: the network was away, something in front of
// the platform answered in its place, or the platform was busy. What the platform itself says is final otherwise, its own
// failures with status 500 too. The end of the caller's context does not pass.
func (e *Error) Passing() bool {
	switch {
	case errors.Is(e.cause, context.Canceled), errors.Is(e.cause, context.DeadlineExceeded):
		return false
	case e.Status == 0:
		var certificate *tls.CertificateVerificationError
		return errors.Is(e.kind, ErrNetwork) && !errors.As(e.cause, &certificate) || errors.Is(e.kind, ErrBadReply)
	case e.Status == http.StatusRequestEntityTooLarge:
		return false
	case e.webPage, e.garbled, e.lost, errors.Is(e.kind, ErrNetwork):
		return true
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return e.Status > http.StatusInternalServerError || e.Status >= 300 && e.Status < 400
}

// Uncertain tells whether the platform may have carried out the request all the same: the connection was lost after it
// had been sent, or something in front of the platform did not wait for the reply (502, 504).
func (e *Error) Uncertain() bool {
	return e.lost || e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout
}

// failed makes err an *Error. It is ctx that failed when it has ended, whatever the transport calls it.
func (c *Client) failed(ctx context.Context, q call, err error) *Error {
	if over := ctx.Err(); over != nil {
		return &Error{Method: q.method, Path: q.path, cause: over, msg: c.clean(q.method + " " + q.path + ": " + over.Error())}
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{cause: err, msg: c.clean(err.Error())}
	}
	e.Method, e.Path = q.method, q.path
	return e
}

// unanswered describes a try without a reply.
func (c *Client) unanswered(t *try, q call, err error) *Error {
	err = httpclient.Inner(err)
	e := &Error{kind: ErrNetwork, unsent: !t.connected.Load()}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		e.cause = err // a dial that timed out must not look like the caller's own deadline
	}
	var (
		host        = c.base.Host
		archive     *archiveError
		certificate *tls.CertificateVerificationError
		name        *net.DNSError
		late        net.Error
		reason      = httpclient.Reason(err)
	)
	switch {
	case errors.As(err, &archive):
		e.kind, e.unsent, e.msg = nil, false, err.Error()
	case errors.Is(context.Cause(t.ctx), httpclient.ErrIdle):
		e.msg = fmt.Sprintf("the platform at %s did not answer in time", host)
	case errors.As(err, &certificate):
		e.unsent, e.msg = false, fmt.Sprintf("the certificate of %s cannot be trusted: %s", host, reason)
	case errors.As(err, &name) && name.IsNotFound:
		e.unsent, e.msg = false, fmt.Sprintf("host %s was not found; check the network connection and the host name", name.Name)
	case e.unsent:
		e.msg = fmt.Sprintf("cannot reach the platform at %s: %s", host, reason)
	case errors.As(err, &late) && late.Timeout(): // a limit of the transport
		e.msg = fmt.Sprintf("the platform at %s did not answer in time", host)
	case !t.answered.Load(), httpclient.IsLost(err):
		e.lost, e.msg = true, fmt.Sprintf("the connection to %s was lost: %s", host, reason)
	default:
		e.kind, e.msg = ErrBadReply, fmt.Sprintf("the platform at %s gave an unusable answer: %s", host, reason)
	}
	e.msg = c.clean(e.msg + e.where(q))
	return e
}

// where is the part of a message that says which request it is about.
func (e *Error) where(q call) string {
	if e.Status == 0 {
		return fmt.Sprintf(" (%s %s)", q.method, q.path)
	}
	return fmt.Sprintf(" (HTTP %d, %s %s)", e.Status, q.method, q.path)
}

// interrupt fills in e for a reply whose body could not be read to its end.
func (e *Error) interrupt(what string, err error) {
	if errors.Is(err, httpclient.ErrIdle) || errors.Is(err, context.Canceled) { // the end of the caller's context is told apart later
		e.kind, e.msg = ErrNetwork, what+" stood still for too long"
		return
	}
	e.lost, e.garbled, e.msg = httpclient.IsLost(err), true, what+" broke off: "+httpclient.Reason(err)
}

// clean makes text from outside fit for a message: one bounded line without the key.
func (c *Client) clean(s string) string {
	if len(c.o.Key) >= minMasked {
		s = strings.ReplaceAll(s, c.o.Key, "***")
	}
	return httpclient.OneLine(s, 2*maxDetail)
}
