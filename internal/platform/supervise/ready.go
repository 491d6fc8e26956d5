package supervise

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

const (
	loopback      = "127.0.0.1"
	readyInterval = 100 * time.Millisecond
	healthLimit   = 5 * time.Second  // for an answer of a framework's own health page
	bodyLimit     = time.Second      // for what comes after the head of an answer
	pageLimit     = 60 * time.Second // for a page of the app, which may have to compute first
)

// freePort returns a TCP port of the loopback interface that nothing listens on. Somebody else may take it
// before the app does.
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

// awaitReady returns nil once the app of p answers at base. The error is a *platform.Problem where it ends
// before or takes longer than the spec allows, ctx.Err() where ctx ends; p is left as it is.
func awaitReady(ctx context.Context, s Spec, p *process, base *url.URL) error {
	limited, cancel := context.WithTimeout(ctx, s.ReadyTimeout)
	defer cancel()
	go func() { // a request in flight need not outlive the app
		select {
		case <-p.done:
			cancel()
		case <-limited.Done():
		}
	}()
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	page := base.String() + s.Recipe.Ready
	for !answers(limited, client, page, s.Recipe.Lenient) {
		select {
		case <-limited.Done():
			return notReady(ctx, s, p, page)
		case <-time.After(readyInterval):
		}
	}
	return nil
}

func notReady(ctx context.Context, s Spec, p *process, page string) error {
	select {
	case <-p.done:
		return ended(p.exit)
	default:
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &platform.Problem{
		Msg:    fmt.Sprintf("the app did not answer at %s within %s", page, s.ReadyTimeout),
		Hint:   "see what it printed above; an app that needs longer to start can be given more time",
		Output: p.tail.last(),
	}
}

// ended is the problem of an app that ended although nobody stopped it.
func ended(exit *platform.ExitError) *platform.Problem {
	return &platform.Problem{Msg: "the app ended by itself", Output: exit.Output, Err: exit}
}

// answers asks for page once. A page of the framework has to say 200; a page of the app may say anything,
// except that the server in front of it is not yet there.
func answers(ctx context.Context, client *http.Client, page string, lenient bool) bool {
	limit := healthLimit
	if lenient {
		limit = pageLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	// Cutting a page off makes some servers complain in their log; one that never ends is not waited for.
	defer time.AfterFunc(bodyLimit, cancel).Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<20)
	if lenient {
		return resp.StatusCode != http.StatusServiceUnavailable && resp.StatusCode != http.StatusBadGateway
	}
	return resp.StatusCode == http.StatusOK
}
