package supervise

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	loopback     = "127.0.0.1"
	firstPause   = 25 * time.Millisecond // between looks at an app that starts, doubling up to lastPause
	lastPause    = 250 * time.Millisecond
	dialLimit    = 100 * time.Millisecond // for a connection to an address of this machine
	lookInterval = time.Second            // between checks for other listening ports
	healthLimit  = 5 * time.Second        // for a response of a framework's own health page
	bodyLimit    = time.Second            // for the body after the header of a response
	pageLimit    = 60 * time.Second       // for a page of the app, which may have to compute first
	tlsLimit     = 2 * time.Second        // for a TLS handshake with the app
)

// freePort returns a TCP port of the loopback interface that is not in use. Another process may take it before the
// app does.
func freePort() (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// portTaken reports whether something listens on port.
func portTaken(port int) bool {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)))
	if err != nil {
		return true
	}
	_ = l.Close()
	return false
}

func upstream(port int) *url.URL {
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(loopback, strconv.Itoa(port))}
}

// starting is an app that is being started. What it prints and where it listens explains why it does not get ready.
type starting interface {
	ended() <-chan struct{}       // closed when nothing of it is left
	why(s Spec) *platform.Problem // it ended by itself, once ended is closed
	lastLines(n int) []string     // of its output, oldest first
	listens() []int               // TCP ports on which it accepts connections, sorted; nil if the system does not tell
}

// readiness is the wait for one start of an app.
type readiness struct {
	spec   Spec
	app    starting
	port   int
	page   string
	client *http.Client

	missing time.Time // since when the page has returned 404; zero if it has not
	stray   time.Time // since when the app has been listening elsewhere
	looked  time.Time
	web     map[int]bool // whether the program on a port responds like a web server
}

// awaitReady returns the status of the first response once app responds at port. The error is a
// *platform.Problem if it ends before, exceeds the time limit or cannot succeed, ctx.Err() if ctx ends; the app is
// left as it is.
func awaitReady(ctx context.Context, s Spec, app starting, port int) (status int, err error) {
	limited, cancel := context.WithTimeout(ctx, s.ReadyTimeout)
	defer cancel()
	go func() { // a request in flight need not outlive the app
		select {
		case <-app.ended():
			cancel()
		case <-limited.Done():
		}
	}()
	r := &readiness{
		spec: s, app: app, port: port, web: map[int]bool{}, page: upstream(port).String() + s.Recipe.Base + s.Recipe.Ready,
		client: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		status, to, err := r.ask(limited, r.page)
		if err == nil && r.ready(status) {
			if to != "" { // users see it first
				soon, cancel := context.WithTimeout(limited, healthLimit)
				if next, _, err := r.ask(soon, to); err == nil {
					status = next
				}
				cancel()
			}
			return status, nil
		}
		if limited.Err() == nil {
			if problem := r.hopeless(status, err); problem != nil {
				return 0, problem
			}
		}
		select {
		case <-limited.Done():
			return 0, r.failed(ctx)
		case <-time.After(pause):
		}
	}
}

func (r *readiness) failed(ctx context.Context) error {
	select {
	case <-r.app.ended():
		return r.app.why(r.spec)
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.problem(platform.ReasonSlow, fmt.Sprintf("the app did not answer at %s within %s", r.page, r.spec.ReadyTimeout), r.spec.advice().slow)
}

// ask requests a page once. to is a redirect target within the app; "" if there is none.
func (r *readiness) ask(ctx context.Context, page string) (status int, to string, err error) {
	limit := healthLimit
	if r.spec.Recipe.Lenient {
		limit = pageLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	// Aborting a page makes some servers log an error; a page that never ends is not waited for.
	defer time.AfterFunc(bodyLimit, cancel).Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
	if at, err := resp.Location(); err == nil && at.Host == req.URL.Host {
		to = at.String()
	}
	return resp.StatusCode, to, nil
}

// ready reports whether the app is serving. A page of the framework must return 200; a page of the app may return
// anything, except that the server in front of it is not ready yet.
func (r *readiness) ready(status int) bool {
	if r.spec.Recipe.Lenient {
		return status != http.StatusServiceUnavailable && status != http.StatusBadGateway
	}
	return status == http.StatusOK
}

// hopeless returns why waiting is useless, after an attempt with status or err; nil if it may still succeed.
func (r *readiness) hopeless(status int, err error) *platform.Problem {
	if status != http.StatusNotFound {
		r.missing = time.Time{}
	}
	switch now := r.spec.Now(); {
	case errors.Is(err, syscall.ECONNREFUSED):
		return r.elsewhere(now)
	case err != nil || status == http.StatusBadRequest:
		return r.encrypted()
	case status == http.StatusNotFound && r.missing.IsZero():
		r.missing = now
	case status == http.StatusNotFound && now.Sub(r.missing) >= r.spec.wrongAnswerLimit:
		return r.problem(platform.ReasonPort, fmt.Sprintf("the app runs, but has no page at %s: it seems to be served below another path", r.page),
			"remove any setting of a base path, root path or prefix from its configuration, code and variables")
	}
	return nil
}

// encrypted returns the problem of an app that uses TLS.
func (r *readiness) encrypted() *platform.Problem {
	dialer := &net.Dialer{Timeout: tlsLimit}
	address := net.JoinHostPort(loopback, strconv.Itoa(r.port))
	conn, err := tls.DialWithDialer(dialer, "tcp", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // whose it is does not matter
	if err != nil {
		return nil //nolint:nilerr // it speaks no TLS
	}
	_ = conn.Close()
	return r.problem(platform.ReasonPort, "the app uses https, but the proxy in front of it uses http",
		"remove the certificate from its configuration, code and variables: https is only needed at the public address")
}

// elsewhere returns the problem of an app that has been listening on other ports for a while.
func (r *readiness) elsewhere(now time.Time) *platform.Problem {
	if now.Sub(r.looked) < lookInterval {
		return nil
	}
	r.looked = now
	ports := slices.DeleteFunc(r.app.listens(), func(port int) bool { return port != r.port && !r.isWeb(port) })
	if len(ports) == 0 {
		r.stray = time.Time{}
		return nil
	}
	if r.stray.IsZero() {
		r.stray = now
	}
	if now.Sub(r.stray) < r.spec.wrongAnswerLimit { // it may be a server of its own, before the app starts
		return nil
	}
	if slices.Contains(ports, r.port) {
		return r.problem(platform.ReasonPort, fmt.Sprintf("the app listens on port %d, but not at 127.0.0.1", r.port), "make it listen on 127.0.0.1, not on localhost or ::1")
	}
	return r.problem(platform.ReasonPort, fmt.Sprintf("the app listens on port %d, not on the one assigned to it", ports[0]),
		"make it listen on 127.0.0.1 and on the port in the variable PORT, as in int(os.environ[\"PORT\"]); "+
			"in a command, use $PORT")
}

// problem is one of an app that runs but does not get ready.
func (r *readiness) problem(reason platform.Reason, message, hint string) *platform.Problem {
	return &platform.Problem{Reason: reason, Msg: message, Hint: hint, Output: r.app.lastLines(tailLines), Shown: r.spec.Log != nil}
}

func (r *readiness) isWeb(port int) bool {
	if _, known := r.web[port]; !known {
		r.web[port] = speaksHTTP(port) // once, because servers log it
	}
	return r.web[port]
}

// speaksHTTP reports whether the program on a port of this machine responds like a web server, with or without
// TLS.
func speaksHTTP(port int) bool {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(loopback, strconv.Itoa(port)), tlsLimit)
	if err != nil {
		return false
	}
	defer conn.Close()
	defer time.AfterFunc(tlsLimit, func() { _ = conn.Close() }).Stop()
	if _, err := io.WriteString(conn, "HEAD / HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
		return false
	}
	head := make([]byte, 5)
	_, err = io.ReadFull(conn, head)
	return err == nil && string(head) == "HTTP/"
}

// reachable returns an address of another network interface at which port can be reached, "" if there is none, as
// it should be: clients that use it bypass the login.
func reachable(port int) string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	for _, a := range addresses {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		address := net.JoinHostPort(ip.IP.String(), strconv.Itoa(port))
		if conn, err := net.DialTimeout("tcp", address, dialLimit); err == nil {
			_ = conn.Close()
			return address
		}
	}
	return ""
}
