// Package cloudapi speaks the HTTP API of Ploomber Cloud: it sends the platform's requests, reads its replies
// into Go values and turns every failure into a typed one-line error. It must not know where the API key, the
// host or the files come from, reads no environment and prints nothing.
package cloudapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
)

// Limits that hold where Options sets none.
const (
	defaultTimeout  = 30 * time.Second
	defaultIdle     = 60 * time.Second
	drain           = 3 // times the idle limit for the reply to an upload: the end of it may still be in slow buffers
	defaultRetries  = 3
	defaultDownload = 2e9 // bytes; the largest tier uploads 500 MB
	connectTimeout  = 10 * time.Second
	maxReply        = 10e6 // bytes of a JSON reply
	maxLogs         = 50e6 // bytes of a reply that holds logs
	maxFailure      = 64e3 // bytes of a reply with status 500
)

const (
	typeAny  = "*/*"
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
	o    Options
	base *url.URL
	bad  error // what is wrong with the options; every call returns it
	http *http.Client
	rest *resty.Client
}

// New returns a client. It does no I/O; options that cannot work are reported by the first call.
func New(o Options) *Client {
	c := &Client{o: withDefaults(o)}
	c.base, c.bad = parseBase(o.BaseURL)
	if c.bad == nil {
		c.bad = checkKey(o.Key)
	}
	c.http = &http.Client{Transport: c.o.Transport, CheckRedirect: c.checkRedirect}
	c.rest = resty.NewWithClient(c.http).SetLogger(silent{})
	c.rest.SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
		if up, ok := r.Context().Value(uploadKey{}).(*upload); ok {
			return up.attach(r)
		}
		if r.ContentLength == 0 {
			noBody(r)
		}
		return nil
	})
	return c
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
	switch {
	case o.Retries == 0:
		o.Retries = defaultRetries
	case o.Retries < 0:
		o.Retries = 0
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
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
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
		return nil, fmt.Errorf("the address of the platform is not an http or https URL: %q", oneLine(u.Redacted(), maxDetail))
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

// call is one request of the API; a try of it is sent by try, all tries by do.
type call struct {
	method string
	path   string // escaped, with the leading slash
	query  url.Values
	accept string // empty: JSON
	ctype  string // content type, may be empty
	body   []byte
	upload *upload // instead of body
	repeat repeat
	limit  int64 // bytes of the reply; 0 means maxReply
	slow   bool  // idle timeout instead of the timeout for the whole

	use func(*http.Response, *watch) error // reads a 2xx reply in place of the JSON decoder
}

// do sends the call until it succeeds, fails for good or has used up its tries, and decodes the reply into out.
// A nil out only checks that the reply is JSON.
func (c *Client) do(ctx context.Context, q call, out any) error {
	if c.bad != nil {
		return c.bad
	}
	doubtful := false // an earlier try may have been carried out
	for n := 0; ; n++ {
		err := c.try(ctx, q, out)
		if err == nil {
			return nil
		}
		e := c.failed(ctx, q, err)
		e.doubtful = doubtful
		if n >= c.o.Retries || ctx.Err() != nil || !q.repeat.allows(e) {
			return e
		}
		doubtful = doubtful || e.Uncertain()
		wait := c.delay(n, e)
		if c.o.OnRetry != nil {
			c.o.OnRetry(e, wait)
		}
		if err := c.o.Sleep(ctx, wait); err != nil {
			return c.failed(ctx, q, err)
		}
	}
}

// try sends the call once.
func (c *Client) try(ctx context.Context, q call, out any) error {
	limit := c.o.Timeout
	if q.slow {
		limit = c.o.IdleTimeout
	}
	ctx, w := newWatch(ctx, limit)
	defer w.stop()
	var reached stage
	ctx = httptrace.WithClientTrace(ctx, reached.trace())
	if q.upload != nil {
		ctx = context.WithValue(ctx, uploadKey{}, q.upload.try(w))
	}
	r := c.rest.R().SetContext(ctx).SetDoNotParseResponse(true)
	r.SetHeader("api_key", c.o.Key).SetHeader("User-Agent", c.o.UserAgent).SetHeader("Accept", typeJSON)
	if q.accept != "" {
		r.SetHeader("Accept", q.accept)
	}
	if q.ctype != "" {
		r.SetHeader("Content-Type", q.ctype)
	}
	if q.body != nil {
		r.SetBody(q.body)
	}
	r.SetQueryParamsFromValues(q.query)
	resp, err := r.Execute(q.method, c.base.String()+q.path)
	if resp != nil && resp.RawBody() != nil {
		defer resp.RawBody().Close()
	}
	if err != nil {
		return c.unanswered(ctx, q, err, &reached)
	}
	if resp.StatusCode() < 200 || resp.StatusCode() > 299 {
		return c.refused(q, resp.RawResponse)
	}
	if q.use != nil {
		return q.use(resp.RawResponse, w)
	}
	return c.decode(q, resp.RawResponse, out)
}

// noBody makes r a request without a body. resty gives a POST or PATCH without one an empty reader of unknown length,
// which net/http sends in chunks; servers that read no chunks take the end of that for a request of its own.
func noBody(r *http.Request) {
	r.Body, r.GetBody = http.NoBody, nil // net/http announces Content-Length: 0 for POST, PUT and PATCH
	if r.Method != http.MethodGet {
		r.Header.Del("Content-Type") // of nothing
	}
}

// checkRedirect follows redirects as far as that is safe: the key stays with the platform's own scheme, host and
// port, even after a detour, and nothing but a GET leaves it.
func (c *Client) checkRedirect(r *http.Request, via []*http.Request) error {
	home := c.isHome(r.URL)
	for _, earlier := range via {
		home = home && c.isHome(earlier.URL)
	}
	first := via[0].Method
	switch {
	case len(via) >= 10:
		return errors.New("too many redirects")
	case r.Method != first, !home && first != http.MethodGet, via[len(via)-1].URL.Scheme == "https" && r.URL.Scheme != "https":
		return http.ErrUseLastResponse
	case !home:
		r.Header.Del("api_key")
	}
	return nil
}

func (c *Client) isHome(u *url.URL) bool {
	return u.Scheme == c.base.Scheme && strings.EqualFold(u.Host, c.base.Host)
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

// encode makes JSON of values that always have one.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("cloudapi: %T has no JSON: %v", v, err))
	}
	return data
}

// silent drops what resty would write to standard error.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
