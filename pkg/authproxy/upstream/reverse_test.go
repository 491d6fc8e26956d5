package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"
)

// Reverse carries requests by the standard library's ReverseProxy. It is what Direct is compared with: the same tests
// run against both.
type Reverse struct {
	transport *http.Transport
	proxy     *httputil.ReverseProxy
}

// passage is what Reverse has to know about one request.
type passage struct {
	target Target
	hooks  Hooks
	err    error
	closed func() // of a WebSocket
}

type passageKey struct{}

func passageOf(ctx context.Context) *passage {
	p, _ := ctx.Value(passageKey{}).(*passage)
	return p
}

// NewReverse returns a Reverse with a pool of connections of its own.
func NewReverse() *Reverse {
	dialer := net.Dialer{Timeout: patience}
	v := &Reverse{transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
			}
			return conn, nil
		},
		DisableCompression: true, MaxIdleConnsPerHost: 1024, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}}
	v.proxy = &httputil.ReverseProxy{
		Transport:     v.transport,
		FlushInterval: -1,
		ErrorLog:      log.New(io.Discard, "", 0),
		Rewrite: func(pr *httputil.ProxyRequest) {
			p := passageOf(pr.In.Context())
			u := *pr.In.URL
			u.Scheme, u.Host = "http", p.target.Address
			if p.target.TLS {
				u.Scheme = "https"
			}
			pr.Out.URL, pr.Out.Host = &u, pr.In.Host
			for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
				if values, ok := pr.In.Header[name]; ok { // ReverseProxy drops them, ours included
					pr.Out.Header[name] = values
				}
			}
			if _, ok := pr.Out.Header["User-Agent"]; !ok {
				pr.Out.Header["User-Agent"] = []string{""} // else the transport adds its own
			}
		},
		ModifyResponse: func(answer *http.Response) error {
			passageOf(answer.Request.Context()).hooks.ModifyResponse(answer.StatusCode, answer.Header)
			return nil
		},
		ErrorHandler: func(_ http.ResponseWriter, r *http.Request, err error) {
			passageOf(r.Context()).err = err
		},
	}
	return v
}

// Forward carries r to the app. An error means that nothing has been answered yet.
func (v *Reverse) Forward(w http.ResponseWriter, r *http.Request, to Target, hooks Hooks) error {
	p := &passage{target: to, hooks: hooks}
	r = r.WithContext(context.WithValue(r.Context(), passageKey{}, p))
	v.proxy.ServeHTTP(&hijackable{ResponseWriter: w, passage: p}, r)
	if p.closed != nil {
		p.closed()
	}
	if p.err != nil && !errors.Is(p.err, ErrUnreachable) && r.Context().Err() == nil {
		return fmt.Errorf("%w: %w", ErrMalformed, p.err)
	}
	return p.err
}

// Close closes idle connections.
func (v *Reverse) Close() { v.transport.CloseIdleConnections() }

// hijackable lets the exchange know of the connection that becomes a tunnel.
type hijackable struct {
	http.ResponseWriter
	passage *passage
}

func (h *hijackable) Unwrap() http.ResponseWriter { return h.ResponseWriter }

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	c := &transferSpy{Conn: conn}
	socket, ok := h.passage.hooks.Upgrade(c)
	if !ok {
		_ = conn.Close()
		return nil, nil, errors.New("not to be opened any more")
	}
	h.passage.closed = socket.Closed
	return c, rw, nil
}

// transferSpy is a Transfer: it notes traffic.
type transferSpy struct {
	net.Conn
	moved atomic.Bool
}

func (c *transferSpy) Moved() bool { return c.moved.Swap(false) }

func (c *transferSpy) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.moved.Store(true)
	}
	return n, err
}

func (c *transferSpy) Write(b []byte) (int, error) {
	c.moved.Store(true)
	return c.Conn.Write(b)
}
