package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Kinds of Error for errors.Is.
var (
	ErrNetwork  = errors.New("host that could not be reached") // no connection, a lost one, a timeout
	ErrTooLarge = errors.New("download that is too large")
)

const (
	defaultIdle  = 30 * time.Second
	maxErrorBody = 64 << 10 // bytes of an error response that are kept
	maxReason    = 300      // characters of external text in a message
)

// Client downloads from hosts that must never see the platform's key. The zero value works; it is safe for
// concurrent use as long as its fields are not changed.
type Client struct {
	Transport   http.RoundTripper // of Transport; nil: http.DefaultTransport
	UserAgent   string
	Retry       httpclient.Retry
	IdleTimeout time.Duration // maximum time without progress before or during a response; 0 means 30 s
}

// Request is a download.
type Request struct {
	URL    string
	Header http.Header // sent only to the scheme, host and port of URL, except Accept
	Limit  int64       // bytes; must be set
}

// Error is a failed download. Its message is one line that names the host and path, never the query.
type Error struct {
	URL    string // without user and query
	Status int    // of the response; 0 without one
	Body   []byte // the start of an error response, at most 64 KB; not shown

	msg  string
	kind error

	page  bool // the response is a web page
	cause error
	again bool // another attempt may help
	wait  time.Duration
}

func (e *Error) Error() string        { return e.msg }
func (e *Error) Unwrap() error        { return e.cause }
func (e *Error) Is(target error) bool { return target != nil && target == e.kind }

// WebPage reports whether the response was a web page, as from a proxy that answers in the host's place.
func (e *Error) WebPage() bool { return e.page }

// Get writes the body of a 200 reply to w. Redirects are followed, but not from https to http. Lost connections, 429,
// 502, 503 and 504 are tried again as long as w has got nothing; after an error the content of w is incomplete. Any
// other status is an *Error with that status. Where ctx ends first the error wraps ctx.Err().
func (c *Client) Get(ctx context.Context, r Request, w io.Writer) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an http or https URL") // it may hold a password
	}
	if r.Limit <= 0 {
		return errors.New("a download requires a limit")
	}
	var last *Error
	err = c.Retry.Do(ctx, func() *httpclient.Failure {
		if last = c.try(ctx, u, r, w); last == nil {
			return nil
		}
		return &httpclient.Failure{Err: last, Again: last.again, After: last.wait}
	}, nil)
	if err == nil {
		return nil
	}
	return last.during(ctx)
}

// during makes the end of ctx the reason of e, whatever the transport calls it.
func (e *Error) during(ctx context.Context) *Error {
	if over := ctx.Err(); over != nil {
		return &Error{URL: e.URL, cause: over, msg: "get " + e.URL + ": " + over.Error()}
	}
	return e
}

func (c *Client) try(ctx context.Context, u *url.URL, r Request, w io.Writer) *Error {
	limit := c.IdleTimeout
	if limit <= 0 {
		limit = defaultIdle
	}
	ctx, idle := httpclient.WithIdle(ctx, limit)
	defer idle.Stop()

	e := &Error{URL: public(u)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return e.fail("cannot be requested", err)
	}
	req.Header.Set("Accept", "*/*")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	var private []string
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
		if !strings.EqualFold(name, "Accept") {
			private = append(private, name)
		}
	}
	resp, err := (&http.Client{Transport: c.Transport, CheckRedirect: httpclient.CheckRedirect(private...)}).Do(req)
	if err != nil {
		return e.unreached(ctx, err)
	}
	defer resp.Body.Close()
	if e.Status = resp.StatusCode; e.Status != http.StatusOK {
		e.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		e.page = httpclient.IsWebPage(resp.Header, e.Body)
		e.again = httpclient.Busy(e.Status)
		e.wait, _ = httpclient.RetryAfter(resp.Header)
		e.msg = fmt.Sprintf("%s answered HTTP %d", e.URL, e.Status)
		return e
	}
	n, err := httpclient.Copy(w, resp.Body, r.Limit, idle)
	var unwritten *httpclient.WriteError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, httpclient.ErrTooLarge):
		e.kind, e.msg = ErrTooLarge, fmt.Sprintf("%s is larger than %d bytes", e.URL, r.Limit)
	case errors.As(err, &unwritten):
		return e.fail("cannot be written", unwritten.Err)
	default:
		e.again = e.unreached(ctx, err).again && n == 0
	}
	return e
}

// unreached describes a connection that did not come about or broke.
func (e *Error) unreached(ctx context.Context, err error) *Error {
	err = httpclient.Inner(err)
	e.kind = ErrNetwork
	if errors.Is(context.Cause(ctx), httpclient.ErrIdle) {
		e.msg = e.URL + " timed out"
		return e
	}
	var name *net.DNSError
	e.again = httpclient.IsLost(err) && !(errors.As(err, &name) && name.IsNotFound)
	return e.fail("could not be fetched", err)
}

func (e *Error) fail(what string, err error) *Error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		e.cause = err // a dial that timed out must not look like the caller's own deadline
	}
	e.msg = fmt.Sprintf("%s %s: %s", e.URL, what, httpclient.OneLine(httpclient.Reason(err), maxReason))
	return e
}
