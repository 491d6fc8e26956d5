package democmd

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// maxPage limits what is read of one response, in bytes.
const maxPage = 4 << 20

// answer is the response to one request.
type answer struct {
	at     string // the requested URL
	status int
	place  string // of a redirect
	body   []byte
}

// client requests pages of the app, as a browser or as a program.
type client struct {
	client *http.Client
	base   string
}

func newClient(base string) (client, error) {
	jar, err := cookiejar.New(nil)
	return client{base: base, client: &http.Client{
		Jar:           jar,
		Timeout:       30 * time.Second,
		Transport:     &http.Transport{DialContext: dial}, // no proxy: the app is on this machine
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, err
}

// dial connects as browsers do, for which every name below localhost is this machine (RFC 6761, section 6.3). Most
// resolvers only know localhost itself.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// do requests a path of the app, or an absolute URL.
func (v client) do(ctx context.Context, method, target string, body url.Values, header http.Header) (answer, error) {
	if strings.HasPrefix(target, "/") {
		target = v.base + target
	}
	r, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body.Encode()))
	if err != nil {
		return answer{}, err
	}
	r.Header = header.Clone()
	if body != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", r.URL.Scheme+"://"+r.URL.Host)
	}
	reply, err := v.client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = reply.Body.Close() }() // read as far as needed
	if reply.StatusCode == http.StatusSwitchingProtocols {
		return answer{at: target, status: reply.StatusCode}, nil // the body may never end
	}
	text, err := io.ReadAll(io.LimitReader(reply.Body, maxPage))
	return answer{target, reply.StatusCode, reply.Header.Get("Location"), text}, err
}

// maxRedirects limits the redirects that are followed, like in browsers.
const maxRedirects = 20

// visit follows redirects like a browser. It returns the last response and the URLs requested on the way.
func (v client) visit(ctx context.Context, method, target string, body url.Values, header http.Header) (got answer, trail []string, err error) {
	for range maxRedirects {
		if got, err = v.do(ctx, method, target, body, header); err != nil {
			return got, trail, err
		}
		trail = append(trail, got.at)
		if got.status/100 != 3 || got.place == "" {
			return got, trail, nil
		}
		here, err := url.Parse(got.at)
		if err != nil {
			return got, trail, err
		}
		next, err := here.Parse(got.place)
		if err != nil {
			return got, trail, err
		}
		method, target, body = http.MethodGet, next.String(), nil
	}
	return got, trail, fmt.Errorf("more than %d redirects, the last one to %s", maxRedirects, withoutQuery(got.place))
}

// withoutQuery removes the query, which may contain a code.
func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// What a browser's page request, a program's request and a WebSocket upgrade look like.

func browser() http.Header {
	return http.Header{"Accept": {"text/html"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}
}

func program() http.Header { return http.Header{"Accept": {"*/*"}} }

func upgrade(base string) http.Header {
	return http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Origin": {base},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
	}
}

func basic(username, password string) http.Header {
	r := http.Request{Header: program()}
	r.SetBasicAuth(username, password)
	return r.Header
}

// refused checks that a response is the login's, possibly at issuer, and contains nothing of the app's page.
func refused(got answer, page []byte, issuer string) error {
	switch {
	case got.status != http.StatusUnauthorized && !toLogin(got, issuer):
		return fmt.Errorf("status %d came back (%q)", got.status, withoutQuery(got.place))
	case holdsPart(got.body, page):
		return fmt.Errorf("the app's page came back")
	}
	return nil
}

func toLogin(got answer, issuer string) bool {
	return got.status/100 == 3 && (strings.HasPrefix(got.place, "/_auth/") || issuer != "" && strings.HasPrefix(got.place, issuer+"/"))
}

// holdsPart reports whether text contains a short page, or 511 consecutive bytes of a longer one: more than two
// pages share by chance.
func holdsPart(text, page []byte) bool {
	const piece = 256
	if len(page) < piece {
		return len(page) > 0 && bytes.Contains(text, page)
	}
	for i := 0; i+piece <= len(page); i += piece {
		if bytes.Contains(text, page[i:i+piece]) {
			return true
		}
	}
	return false
}

// fileOf returns the path of the first script, stylesheet or image that a page loads from its own server, or a
// likely one if there is none.
func fileOf(page []byte, base string) string {
	const likely = "/static/app.js"
	here, err := url.Parse(base + "/")
	if err != nil {
		return likely
	}
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"#]+)"`).FindAllSubmatch(page, -1) {
		if u, err := here.Parse(string(found[1])); err == nil && u.Host == here.Host && u.Path != "/" {
			return u.RequestURI()
		}
	}
	return likely
}
