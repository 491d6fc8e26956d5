package oidc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
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

// Bounds of every call to the provider.
const (
	callTimeout  = 5 * time.Second
	maxResponse  = 1 << 20 // bytes of a body
	maxRedirects = 3       // of a GET, on the same host
)

// caller makes bounded calls.
type caller struct{ client *http.Client }

func newCaller(transport http.RoundTripper) caller {
	if transport == nil {
		transport = &http.Transport{ForceAttemptHTTP2: true, TLSHandshakeTimeout: callTimeout,
			MaxResponseHeaderBytes: maxResponse, IdleConnTimeout: time.Minute}
	}
	return caller{&http.Client{Transport: transport, CheckRedirect: sameHostOnly}}
}

var errRedirect = errors.New("redirected to another place")

// sameHostOnly follows no redirect that leads a call, or the secret in it, elsewhere (security class 18).
func sameHostOnly(req *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || len(via) > maxRedirects || !httpclient.SameOrigin(first.URL, req.URL) {
		return errRedirect
	}
	return nil
}

// get decodes the JSON at an address into v. The error wraps ErrUnavailable.
func (c caller) get(ctx context.Context, address string, v any) error {
	_, body, err := c.read(ctx, address, "", "application/json")
	if err != nil {
		return err
	}
	return decode(address, body, v)
}

// read returns the body at an address and its media type. The error wraps ErrUnavailable.
func (c caller) read(ctx context.Context, address, bearer, accept string) (kind string, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	req.Header.Set("Accept", accept)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	code, header, body, err := c.do(req)
	if err != nil {
		return "", nil, err
	}
	if code != http.StatusOK {
		return "", nil, &statusError{plainURL(req.URL), code}
	}
	return header.Get("Content-Type"), body, nil
}

// basic is a client id and secret for the Authorization header.
type basic struct{ id, secret string }

// post sends a form and returns status and body as they are. The error wraps ErrUnavailable.
func (c caller) post(ctx context.Context, address string, form url.Values, auth *basic) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	req.GetBody = nil // never sent twice: a code is good for one call
	// Nor is it lost on an idle connection that the provider is about to close: it goes over a new one.
	c.client.CloseIdleConnections()
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if auth != nil { // both parts encoded first: RFC 6749, 2.3.1
		pair := url.QueryEscape(auth.id) + ":" + url.QueryEscape(auth.secret)
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	req.Header.Set("Accept", "application/json")
	code, _, body, err := c.do(req)
	return code, body, err
}

func (c caller) do(req *http.Request) (int, http.Header, []byte, error) {
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: %w", ErrUnavailable, callError(req, err))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("%w: read the response: %w", ErrUnavailable, callError(req, err))
	}
	if len(body) > maxResponse {
		return 0, nil, nil, fmt.Errorf("%w: %s sent more than %d bytes", ErrUnavailable, plainURL(req.URL), maxResponse)
	}
	return resp.StatusCode, resp.Header, body, nil
}

// callError is why a call got no response, without any text of the provider: it may echo the secret of the request, and
// net/http quotes malformed responses and redirect targets (security class 22).
func callError(req *http.Request, err error) error {
	var (
		network     *net.OpError
		certificate *tls.CertificateVerificationError
		record      tls.RecordHeaderError
	)
	switch {
	case errors.Is(err, errRedirect):
		err = errRedirect
	case errors.Is(err, context.DeadlineExceeded):
		err = context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		err = context.Canceled
	case errors.As(err, &certificate):
		err = certificate
	case errors.As(err, &record):
		err = errors.New("it does not speak TLS")
	case errors.As(err, &network):
		err = network
	case strings.HasSuffix(err.Error(), ": "+http.StatusText(http.StatusProxyAuthRequired)):
		err = errors.New("the proxy in between requires a login")
	default:
		err = errors.New("the connection broke, or the response is not HTTP")
	}
	return fmt.Errorf("%s %s: %w", req.Method, plainURL(req.URL), err)
}

// statusError is a response with another status than 200.
type statusError struct {
	address string
	code    int
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered with status %d", e.address, e.code)
}
func (e *statusError) Unwrap() error { return ErrUnavailable }

func decode(address string, body []byte, v any) error {
	body = bytes.TrimPrefix(body, []byte("\ufeff")) // which RFC 8259, section 8.1, allows readers to ignore
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: the response of %s is not the expected JSON", ErrUnavailable, address)
	}
	return nil
}

// plainURL is a URL without query, for logs.
func plainURL(u *url.URL) string { return u.Scheme + "://" + u.Host + u.EscapedPath() }
