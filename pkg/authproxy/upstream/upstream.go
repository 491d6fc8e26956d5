// Package upstream carries one request to an app's HTTP/1.1 server and the response back: bodies, streams and
// WebSockets. It must not know who sends the request or whether they may; the caller has decided that, and has removed
// from the request's header what the app must not see.
package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ErrUnreachable is in the chain of the error for an app that takes no connection.
var ErrUnreachable = errors.New("app cannot be reached")

// ErrMalformed is in the chain of the error for a response that is not HTTP, or too ambiguous to be passed on.
var ErrMalformed = errors.New("malformed response")

// ErrDeclined is in the chain of the error for a response that Hooks did not accept.
var ErrDeclined = errors.New("response declined")

// ErrBody is in the chain of the error for a request whose body cannot be read to its end.
var ErrBody = errors.New("request body breaks off")

// Target is where requests go.
type Target struct {
	Address string // host:port; "localhost" at a Unix socket
	Host    string // without port, for TLS
	TLS     bool
	Socket  string // path of the Unix socket where the app listens; empty for TCP
}

// ParseTarget reads a base URL: http or https, a host, maybe a port, nothing else; or the path of a Unix socket, as
// unix:/run/app.sock, http+unix:///run/app.sock or http+unix://%2Frun%2Fapp.sock.
func ParseTarget(base string) (Target, error) {
	if path, ok, err := socketPath(base); ok || err != nil {
		return Target{Address: "localhost", Host: "localhost", Socket: path}, err
	}
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return Target{}, fmt.Errorf("upstream %q is not a URL", base)
	case u.Scheme != "http" && u.Scheme != "https":
		return Target{}, fmt.Errorf("upstream %q must start with http:// or https://", base)
	case u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return Target{}, fmt.Errorf("upstream %q must be a scheme, a host and a port", u.Redacted())
	}
	t := Target{Host: u.Hostname(), TLS: u.Scheme == "https"}
	port := u.Port()
	if port == "" {
		port = u.Scheme // net.Dial knows the services http and https
	}
	t.Address = net.JoinHostPort(t.Host, port)
	return t, nil
}

// socketPath returns the path of a Unix socket; ok is false if base is not such an address. On Linux one that begins with @
// is in no file system (unix(7), abstract).
func socketPath(base string) (path string, ok bool, err error) {
	const longest = 107 // bytes, on Linux; other systems have a few less
	scheme, rest, _ := strings.Cut(base, ":")
	switch strings.ToLower(scheme) {
	case "unix":
		path = rest
		if after, isURL := strings.CutPrefix(rest, "//"); isURL {
			path = after
		}
	case "http+unix":
		after, isURL := strings.CutPrefix(rest, "//")
		if path, err = url.PathUnescape(after); !isURL || err != nil {
			return "", true, errors.New("upstream must be http+unix:// and the path of a socket, such as http+unix:///run/app.sock")
		}
	default:
		return "", false, nil
	}
	if len(path) > 1 {
		path = strings.TrimRight(path, "/") // of the path at the app
	}
	switch {
	case path == "" || path == "/":
		return "", true, errors.New("upstream names no socket: write unix:/run/app.sock")
	case len(path) > longest:
		return "", true, fmt.Errorf("upstream names a socket with a path of more than %d bytes", longest)
	case hasControl(path):
		return "", true, errors.New("upstream names a socket with a control character")
	}
	return path, true, nil
}

// Hooks are called while a request is forwarded.
type Hooks interface {
	// Begin is called before the app is asked, with the request's context. Once that ends, t is to be closed: the client has
	// disconnected.
	Begin(ctx context.Context, t Transfer)
	// Done is called once the request is over, or has become a WebSocket.
	Done()
	// Accepts is called with the status of the final response. If it returns false, nothing is passed on and Forward returns
	// ErrDeclined.
	Accepts(status int) bool
	// ModifyResponse may change the headers of the final response before they are sent.
	ModifyResponse(status int, h http.Header)
	// Upgrade is called when the connection becomes a WebSocket, which t carries from now on. ok is false where it must not
	// be opened.
	Upgrade(t Transfer) (s WebSocket, ok bool)
}

// WebSocket is told about a WebSocket that is open.
type WebSocket interface {
	// Sent is called with each piece of what the client sends, in order, before it is passed on. It must not keep p.
	Sent(p []byte)
	// Closed is called once it is over.
	Closed()
}

// Transfer is a request or a WebSocket in flight. Its methods may be called by any goroutine, and do nothing after Done
// or closed.
type Transfer interface {
	// Close ends it: the connection to the app is closed. For a request Forward returns ErrEnded.
	io.Closer
	// Moved reports whether bytes have come or gone since the last call, or may have: those that the kernel moves by itself
	// are not counted.
	Moved() bool
}
