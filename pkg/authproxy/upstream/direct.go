package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"time"
)

// ErrBroken is in the chain of the error for a response that broke off after its header had been passed on. The
// client's connection must be cut, so that what came so far is not taken for the whole.
var ErrBroken = errors.New("response broke off")

// dialTimeout is how long connecting to the app may take.
const dialTimeout = 10 * time.Second

// Direct carries requests over its own pool of connections. One goroutine, the request's own, writes and reads:
// that halves the time the standard Transport takes, with its two goroutines a connection. A request's header
// goes out as it is, without a copy. It is safe for concurrent use.
type Direct struct {
	// Authorities are those whose certificates an app may have; nil means the system's. To be set before the first request.
	Authorities *x509.CertPool

	dialer net.Dialer
	pool   *pool
	large  buffers // for bodies
	small  buffers // for headers, and what comes with them
	names  names
}

// NewDirect returns a Direct without connections. now is the clock that ages idle ones.
func NewDirect(now func() time.Time) *Direct {
	return &Direct{dialer: net.Dialer{Timeout: dialTimeout}, pool: newPool(now), large: newBuffers(copySize), small: newBuffers(readSize)}
}

// Close closes idle connections and keeps no further ones. Requests under way go on.
func (d *Direct) Close() { d.pool.close() }

// Forward carries r to the app and the response to w. r.RequestURI is sent as it is and must be in origin form;
// hop-by-hop headers in r.Header are left out, except for a WebSocket upgrade. An error that is not ErrBroken
// means that nothing has been answered yet; it wraps ErrBody, ErrUnreachable, ErrMalformed, ErrDeclined, ErrEnded, or the
// cause. After ErrUnreachable, r can be forwarded elsewhere, with its body.
func (d *Direct) Forward(w http.ResponseWriter, r *http.Request, to Target, x Hooks) error {
	req, err := d.newRequest(w, r, to)
	if err != nil {
		return err
	}
	defer req.release()
	x.Begin(r.Context(), &req.transfer)
	defer x.Done()
	for r.Context().Err() == nil {
		c, err := d.connect(r.Context(), to, req)
		if err != nil {
			req.restoreBody(r)
			return err
		}
		if !req.transfer.take(c) {
			c.close()
			return ErrEnded
		}
		if err = d.once(w, r, req, c, x); err != nil && req.transfer.hasEnded() {
			return fmt.Errorf("%w: %w", ErrEnded, err)
		}
		again := errors.Is(err, errUnsolicitedData) || errors.Is(err, errStaleConn) && req.repeatable
		if !again || !c.reused { // in this order: after a response c may be another's already
			return err
		}
	}
	return r.Context().Err()
}

// once tries one connection, which is kept or closed afterwards.
func (d *Direct) once(w http.ResponseWriter, r *http.Request, req *request, c *conn, x Hooks) (err error) {
	keep := false
	defer func() {
		if mine := req.transfer.release(); mine && keep && err == nil {
			d.pool.put(c)
		} else if !c.handedOver {
			c.close()
			c.release()
		}
	}()

	sending, err := req.send(r, c)
	if err != nil {
		return err
	}
	h, err := d.readFinal(w, r, c)
	if err != nil {
		if broken := sending.broken.Load(); broken != nil { // before stop breaks it
			err = *broken
		}
		sending.stop(w, c)
		return err
	}
	if h.code == http.StatusSwitchingProtocols { // a request that asks for it has no body
		return d.tunnel(w, r, c, h, x)
	}
	if !x.Accepts(h.code) {
		sending.stop(w, c)
		return ErrDeclined
	}
	unread := req.unread()
	if unread {
		// The app answers before it has got everything. Without this the server would swallow the rest itself.
		_ = http.NewResponseController(w).EnableFullDuplex() // HTTP/2 always is
		closeAfterReply(w)
	}
	err = d.passOn(w, r, c, h, x, unread)
	sent := sending.stop(w, c)
	// Apps that send a body where none may be are common; what cannot be looked into is not used again then.
	keep = sent && h.keep && !req.upgrade && (c.socket != nil || h.body != noBody)
	return err
}

// readFinal reads headers until the final one, and passes interim ones on.
func (d *Direct) readFinal(w http.ResponseWriter, r *http.Request, c *conn) (*response, error) {
	const maxInterim = 8
	for i := range maxInterim {
		h, err := c.readHeader(r.Method)
		if errors.Is(err, errStaleConn) && i > 0 {
			return nil, fmt.Errorf("%w: nothing after an interim response", ErrMalformed)
		}
		if err != nil {
			return nil, err
		}
		upgraded := h.code == http.StatusSwitchingProtocols
		switch {
		case upgraded && !isUpgrade(r):
			return nil, fmt.Errorf("%w: switches protocols unasked", ErrMalformed)
		case upgraded || h.code >= 200:
			return h, nil
		case h.code == http.StatusContinue || !r.ProtoAtLeast(1, 1):
			// We never wait for 100, and HTTP/1.0 knows no interim responses.
		default:
			sendInterim(w, h)
		}
	}
	return nil, fmt.Errorf("%w: too many interim responses", ErrMalformed)
}

// sendInterim passes an interim response on, without what is in the header for the final one already. Cookies, over which
// the exchange has a say only in a final response, are left out; browsers do not look at them here.
func sendInterim(w http.ResponseWriter, h *response) {
	out := w.Header()
	final := maps.Clone(out)
	clear(out)
	h.into(out)
	delete(out, "Set-Cookie")
	w.WriteHeader(h.code)
	clear(out)
	maps.Copy(out, final)
}

// passOn passes header and body on. It is the last on the client's connection where last is set.
func (d *Direct) passOn(w http.ResponseWriter, r *http.Request, c *conn, h *response, x Hooks, last bool) error {
	out := w.Header()
	h.into(out)
	if _, ok := out["Content-Type"]; !ok {
		out["Content-Type"] = nil // the app did not say, and the server shall not guess
	}
	x.ModifyResponse(h.code, out)
	if last && r.ProtoMajor == 1 { // HTTP/2 tells what belongs to which request
		out["Connection"] = []string{"close"}
	}
	w.WriteHeader(h.code)
	if err := d.copyBody(w, c, h); err != nil {
		return fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return nil
}

// closeAfterReply has the server end an HTTP/1 connection after this answer, and gives a client who is still sending the time to
// read it: on many systems unread bytes at the end of a connection would take the response with them. Only
// http.MaxBytesReader, over its limit, asks a server for that, and only the server's own writer.
func closeAfterReply(w http.ResponseWriter) {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	over := http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0)
	_, _ = over.Read(make([]byte, 1))
}

// connect returns an idle connection or a new one. On an idle one the app must neither have closed the connection nor have sent
// anything unasked: a response that nobody waits for must never reach the next client. Where that cannot be seen,
// only a request that may be repeated gets one; where it can, a request without a stream looks as it is sent.
func (d *Direct) connect(ctx context.Context, to Target, req *request) (*conn, error) {
	for c := d.pool.get(to); c != nil; c = d.pool.get(to) {
		if c.socket == nil && req.repeatable || c.socket != nil && (!req.stream || c.socket.silent()) {
			return c, nil
		}
		c.close()
	}
	connected, err := d.open(ctx, to)
	if err != nil {
		return nil, err
	}
	return newConn(connected, to, d.small, &d.names), nil
}

// Reach reports whether the app takes a connection, which is closed again. The error wraps ErrUnreachable.
func (d *Direct) Reach(ctx context.Context, to Target) error {
	c, err := d.open(ctx, to)
	if err != nil {
		return err
	}
	return c.Close()
}

func (d *Direct) open(ctx context.Context, to Target) (net.Conn, error) {
	network, address := "tcp", to.Address
	if to.Socket != "" {
		network, address = "unix", to.Socket
	}
	dial, err := d.dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if to.TLS {
		secure := tls.Client(dial, &tls.Config{ServerName: to.Host, RootCAs: d.Authorities, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = dial.Close()
			return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		return secure, nil
	}
	return dial, nil
}

// errStaleConn marks the failure of a connection on which the app has not answered with a single byte: it was
// probably closed while idle.
var errStaleConn = errors.New("connection lost before a response")

// errUnsolicitedData marks an idle connection that was not used: the app has closed the connection, or has unsolicited unasked.
var errUnsolicitedData = errors.New("connection not silent")

func stale(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // EOF would read as a regular end
	}
	return fmt.Errorf("%w: %w", errStaleConn, err)
}
