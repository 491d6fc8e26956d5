package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// What errors.Is tells about an Error.
var (
	ErrNetwork  = errors.New("host that could not be reached") // no connection, a lost one, no answer in time
	ErrTooLarge = errors.New("download that is too large")

	errStill = errors.New("no progress") // cause of a context that a standstill ended
)

const (
	defaultRetries = 3
	defaultIdle    = 30 * time.Second
	maxErrorBody   = 64 << 10 // bytes of an error reply that are kept
	maxReason      = 300      // characters of foreign text in a message
)

// Client downloads from hosts that must never see the platform's key. The zero value works; it is safe for
// concurrent use as long as its fields are not changed.
type Client struct {
	Transport   http.RoundTripper // of Transport; nil: http.DefaultTransport
	UserAgent   string
	Retries     int           // further tries after the first; 0 means 3, negative means none
	IdleTimeout time.Duration // longest standstill before or during a reply; 0 means 30 s

	Sleep  func(context.Context, time.Duration) error // waits between tries; nil: a timer
	Jitter func() float64                             // in [0, 1); nil: random
}

// Request is a download.
type Request struct {
	URL    string
	Header http.Header // sent to the scheme, host and port of URL only, but for Accept
	Limit  int64       // bytes; must be set
}

// Error is a failed download. Its message is one line that names the host and path, never the query.
type Error struct {
	URL    string // without user and query
	Status int    // of the reply; 0 without one
	Body   []byte // the start of an error reply, at most 64 KB; not shown

	msg  string
	kind error

	kindOfBody string // its content type
	cause      error
	again      bool // another try may help
	wait       time.Duration
}

func (e *Error) Error() string        { return e.msg }
func (e *Error) Unwrap() error        { return e.cause }
func (e *Error) Is(target error) bool { return target != nil && target == e.kind }

// WebPage tells whether the reply was a page for people, as from something on the way that answers in the host's place.
func (e *Error) WebPage() bool { return isPage(e.kindOfBody, e.Body) }

func isPage(contentType string, start []byte) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	return kind == "text/html" || kind == "application/xhtml+xml" || IsPage(start)
}

// IsPage tells by its beginning whether a download is a page for people.
func IsPage(start []byte) bool {
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(start[:min(len(start), 512)], []byte("\ufeff"))))
	return bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html"))
}

// Get writes the body of a 200 reply to w. Redirects are followed, but not from https to http. Lost connections, 429,
// 502, 503 and 504 are tried again as long as w has got nothing; after an error the content of w is incomplete. Any
// other status is an *Error with that status. Where ctx ends first the error wraps ctx.Err().
func (c *Client) Get(ctx context.Context, r Request, w io.Writer) error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an http or https URL") // it may hold a password
	}
	if r.Limit <= 0 {
		return errors.New("a download needs a limit")
	}
	for n := 0; ; n++ {
		e := c.try(ctx, u, r, w)
		if e == nil {
			return nil
		}
		if n >= c.retries() || !e.again || ctx.Err() != nil {
			return e.during(ctx)
		}
		if err := c.sleep(ctx, c.delay(n, e.wait)); err != nil {
			e.cause = err
			return e.during(ctx)
		}
	}
}

// during makes the end of ctx the reason of e, whatever the transport calls it.
func (e *Error) during(ctx context.Context) *Error {
	if over := ctx.Err(); over != nil {
		return &Error{URL: e.URL, cause: over, msg: "get " + e.URL + ": " + over.Error()}
	}
	return e
}

func (c *Client) try(ctx context.Context, u *url.URL, r Request, w io.Writer) *Error {
	idle := c.IdleTimeout
	if idle <= 0 {
		idle = defaultIdle
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	timer := time.AfterFunc(idle, func() { cancel(errStill) })
	defer timer.Stop()

	e := &Error{URL: public(u)}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return e.fail("cannot be asked for", err)
	}
	req.Header.Set("Accept", "*/*")
	if c.UserAgent != "" {
		req.Header.Set("User-Agent", c.UserAgent)
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := (&http.Client{Transport: c.Transport, CheckRedirect: redirect(r.Header)}).Do(req)
	if err != nil {
		return e.unreached(ctx, err)
	}
	defer resp.Body.Close()
	if e.Status = resp.StatusCode; e.Status != http.StatusOK {
		e.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		e.kindOfBody = resp.Header.Get("Content-Type")
		e.again, e.wait = isBusy(e.Status), retryAfter(resp.Header)
		e.msg = fmt.Sprintf("%s answered HTTP %d", e.URL, e.Status)
		return e
	}
	in := &pulse{r: resp.Body, beat: func() { timer.Reset(idle) }}
	n, err := io.Copy(w, io.LimitReader(in, r.Limit+1))
	switch {
	case n > r.Limit:
		e.kind, e.msg = ErrTooLarge, fmt.Sprintf("%s is larger than %d bytes", e.URL, r.Limit)
	case err == nil:
		return nil
	case in.err == nil:
		return e.fail("cannot be written", err)
	default:
		e.again = e.unreached(ctx, err).again && n == 0
	}
	return e
}

// unreached describes a connection that did not come about or broke.
func (e *Error) unreached(ctx context.Context, err error) *Error {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // the rest repeats the whole URL
	}
	e.kind = ErrNetwork
	if errors.Is(context.Cause(ctx), errStill) {
		e.msg = e.URL + " did not answer in time"
		return e
	}
	var op *net.OpError
	var name *net.DNSError
	e.again = errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if errors.As(err, &name) && name.IsNotFound {
		e.again = false
	}
	return e.fail("could not be fetched", err)
}

func (e *Error) fail(what string, err error) *Error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		e.cause = err // a dial that timed out must not look like the caller's own deadline
	}
	reason := strings.ReplaceAll(err.Error(), "net/http: ", "") // the package that it went through
	reason = strings.TrimPrefix(strings.TrimPrefix(reason, "HTTP/1.x transport connection broken: "), "http: ")
	e.msg = fmt.Sprintf("%s %s: %s", e.URL, what, oneLine(reason))
	return e
}

// redirect follows up to ten redirects and leaves the caller's headers behind with the first host.
func redirect(own http.Header) func(*http.Request, []*http.Request) error {
	return func(r *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("too many redirects")
		}
		away := false
		for _, hop := range append(via[1:len(via):len(via)], r) {
			away = away || hop.URL.Scheme != via[0].URL.Scheme || !strings.EqualFold(hop.URL.Host, via[0].URL.Host)
		}
		if via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https" {
			return errors.New("a redirect from https to http is not followed")
		}
		r.Header.Del("Referer") // it would carry the whole URL, query included
		if away {
			for name := range own {
				if !strings.EqualFold(name, "Accept") {
					r.Header.Del(name)
				}
			}
		}
		return nil
	}
}

// pulse is a body that reports each arrival of bytes and remembers its error.
type pulse struct {
	r    io.Reader
	beat func()
	err  error
}

func (p *pulse) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n > 0 {
		p.beat()
	}
	if err != io.EOF {
		p.err = err
	}
	return n, err
}

func (c *Client) retries() int {
	if c.Retries == 0 {
		return defaultRetries
	}
	return c.Retries
}

func (c *Client) jitter() float64 {
	if c.Jitter == nil {
		return rand.Float64()
	}
	return c.Jitter()
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.Sleep != nil {
		return c.Sleep(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// oneLine drops what could steer a terminal and bounds the rest.
func oneLine(s string) string {
	n := 0
	return strings.Map(func(r rune) rune {
		if n++; n > maxReason || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
