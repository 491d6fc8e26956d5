// Package cloudapi speaks the HTTP API of Ploomber Cloud: it sends the platform's requests, reads its replies
// into Go values and turns every failure into a typed one-line error. It must not know where the API key, the
// host or the files come from, reads no environment and prints nothing.
package cloudapi

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Limits that hold where Options sets none.
const (
	defaultTimeout  = 30 * time.Second
	defaultIdle     = 60 * time.Second
	drain           = 3   // times the idle limit for the reply to an upload: the end of it may still be in slow buffers
	defaultDownload = 2e9 // bytes; the largest tier uploads 500 MB
	connectTimeout  = 10 * time.Second
	maxReply        = 10e6 // bytes of a JSON reply
	maxLogs         = 50e6 // bytes of a reply that holds logs
)

const (
	keyHeader = "api_key"
	// idempotencyHeader carries a key that is the same in every try of a request, so that a platform carries it out once.
	idempotencyHeader = "Idempotency-Key"

	typeJSON = "application/json"
)

// Options says where the platform is and how patient the client shall be. Only BaseURL and Key are needed.
type Options struct {
	BaseURL     string            // scheme and host, optionally a path; a slash at the end is ignored
	Key         string            // sent as api_key to this scheme, host and port only
	Transport   http.RoundTripper // nil: a transport of its own, without a proxy
	UserAgent   string
	Retries     int           // further tries after the first; 0 means 3, negative means none
	Timeout     time.Duration // for one try of an ordinary request with its reply; 0 means 30 s
	MaxDownload int64         // bytes that Download accepts; 0 means 2 GB

	// IdleTimeout is the longest standstill of an upload or a download; 0 means 60 s. The reply to an upload may take
	// three times as long, because its last megabytes are still on their way when all is written.
	IdleTimeout time.Duration

	Sleep   func(context.Context, time.Duration) error // waits between tries; nil: a timer
	Jitter  func() float64                             // in [0, 1); nil: random
	OnRetry func(err error, wait time.Duration)        // told before each wait; may be nil
}

// Client is a client of one platform with one key. It is safe for concurrent use; Close lets go of idle connections.
type Client struct {
	o     Options
	base  *url.URL
	bad   error // what is wrong with the options; every call returns it
	retry httpclient.Retry
	http  *http.Client
	rest  *resty.Client // on top of http
}

// New returns a client. It does no I/O; options that cannot work are reported by the first call.
func New(o Options) *Client {
	c := open(o)
	if c.bad == nil {
		c.bad = checkKey(o.Key)
	}
	return c
}

// anonymous returns a client that sends no key.
func anonymous(o Options) *Client {
	o.Key = ""
	return open(o)
}

func open(o Options) *Client {
	c := &Client{o: withDefaults(o)}
	c.base, c.bad = parseBase(o.BaseURL)
	c.retry = httpclient.Retry{Max: o.Retries, Sleep: o.Sleep, Jitter: o.Jitter}
	c.http = &http.Client{Transport: c.o.Transport, CheckRedirect: checkRedirect}
	c.rest = resty.NewWithClient(c.http).
		SetBaseURL(strings.TrimRight(o.BaseURL, "/")).
		SetHeaders(c.headers()).
		SetContentLength(true). // else nothing is sent in chunks, whose end servers without chunks take for another request
		SetLogger(silent{})
	return c
}

// headers are sent with every request.
func (c *Client) headers() map[string]string {
	h := map[string]string{"User-Agent": c.o.UserAgent, "Accept": typeJSON}
	if c.o.Key != "" {
		h[keyHeader] = c.o.Key
	}
	return h
}

// Close lets go of idle connections. The client can be used afterwards.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// String names the client without its key.
func (c *Client) String() string { return "cloudapi client" }

// GoString names the client without its key.
func (c *Client) GoString() string { return c.String() }

func withDefaults(o Options) Options {
	if o.Transport == nil {
		o.Transport = newTransport()
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = defaultIdle
	}
	if o.MaxDownload <= 0 {
		o.MaxDownload = defaultDownload
	}
	if o.UserAgent == "" {
		o.UserAgent = "ploomber-cloud"
	}
	return o
}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // the standard one reads the environment
	t.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext
	t.TLSHandshakeTimeout = connectTimeout
	return t
}

func parseBase(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/"))
	switch {
	case err != nil:
		return nil, errors.New("the address of the platform is not a URL")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("the address of the platform is not an http or https URL: %q", httpclient.OneLine(u.Redacted(), maxDetail))
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, fmt.Errorf("the address of the platform holds more than host and path: %s", u.Host)
	}
	return u, nil
}

func checkKey(key string) error {
	bad := func(r rune) bool { return r < ' ' || r > '~' }
	switch {
	case key == "":
		return &Error{kind: ErrUnauthorized, msg: "no API key is set"}
	case strings.IndexFunc(key, bad) >= 0:
		return &Error{kind: ErrUnauthorized, msg: "the API key holds characters that no key has"}
	}
	return nil
}

// call is a request of the API.
type call struct {
	method string
	path   string // escaped, with the leading slash
	query  url.Values
	header map[string]string // beside those of every request, or in their place
	body   any               // sent as JSON; nil: none
	repeat repeat
	limit  int // bytes of the reply; 0 means maxReply
}

func (q call) maxReply() int {
	if q.limit > 0 {
		return q.limit
	}
	return maxReply
}

// do sends a call with a small body and decodes the reply, a JSON object, into out. A nil out accepts any JSON.
func (c *Client) do(ctx context.Context, q call, out any) error {
	return c.repeat(ctx, q, func() error {
		t := newTry(ctx, c.o.Timeout)
		defer t.idle.Stop()
		r := c.rest.R().
			SetContext(t.ctx).
			SetHeaders(q.header).
			SetQueryParamsFromValues(q.query).
			SetResponseBodyLimit(q.maxReply())
		if q.body != nil {
			r.SetHeader("Content-Type", typeJSON).SetBody(q.body)
		}
		resp, err := r.Execute(q.method, q.path)
		var unanswered *url.Error // how net/http fails; any other error is about the body of the reply
		if err != nil && (errors.As(err, &unanswered) || resp == nil) {
			return c.unanswered(t, q, err)
		}
		return c.decode(q, reply{resp.StatusCode(), resp.Header(), resp.Body(), err}, out)
	})
}

// repeat calls once until it succeeds, fails for good or has used up its tries.
func (c *Client) repeat(ctx context.Context, q call, once func() error) error {
	if c.bad != nil {
		return c.bad
	}
	doubtful := false // an earlier try may have been carried out
	err := c.retry.Do(ctx, func() *httpclient.Failure {
		err := once()
		if err == nil {
			return nil
		}
		e := c.failed(ctx, q, err)
		e.doubtful = doubtful
		doubtful = doubtful || e.Uncertain()
		return &httpclient.Failure{Err: e, Again: q.repeat.allows(e), After: e.wait}
	}, c.o.OnRetry)
	if err == nil {
		return nil
	}
	return c.failed(ctx, q, err)
}

// try is one try of a call.
type try struct {
	ctx  context.Context
	idle *httpclient.Idle // ends ctx

	connected, answered atomic.Bool // how far it got
}

// newTry begins a try that ends when it makes no progress for the limit.
func newTry(ctx context.Context, limit time.Duration) *try {
	t := &try{}
	ctx, t.idle = httpclient.WithIdle(ctx, limit)
	t.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { t.connected.Store(true) },
		GotFirstResponseByte: func() { t.answered.Store(true) },
	})
	return t
}

// request makes a request that is sent past resty, which would hold a whole upload or download in memory.
func (c *Client) request(t *try, q call, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(t.ctx, q.method, c.base.String()+q.path, body)
	if err != nil {
		return nil, err
	}
	r.URL.RawQuery = q.query.Encode()
	for _, headers := range []map[string]string{c.headers(), q.header} {
		for name, value := range headers {
			r.Header.Set(name, value)
		}
	}
	return r, nil
}

// send sends a request. The caller closes the body of the response.
func (c *Client) send(t *try, q call, r *http.Request) (*http.Response, error) {
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.unanswered(t, q, err)
	}
	return resp, nil
}

// checkRedirect follows redirects as far as that is safe. One that is not followed is the reply.
func checkRedirect(r *http.Request, via []*http.Request) error {
	err := httpclient.CheckRedirect(keyHeader)(r, via)
	if errors.Is(err, httpclient.ErrRedirect) {
		return http.ErrUseLastResponse
	}
	return err
}

// segment makes one path segment of an id.
func segment(what, id string) (string, error) {
	switch id {
	case "":
		return "", fmt.Errorf("the %s is empty", what)
	case ".", "..":
		return "", fmt.Errorf("%q is not a %s", id, what) // servers drop these segments, escaped or not
	}
	return url.PathEscape(id), nil
}

func idempotencyKey() string { return rand.Text() }

// silent drops what resty would write to standard error.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
