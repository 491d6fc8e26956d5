package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// clientLimit is how long any one answer may take.
const clientLimit = 2 * time.Minute

// reply is an answer, read to its end.
type reply struct {
	*http.Response
	body string
}

func (r reply) location() string { return r.Header.Get("Location") }

// cookie returns the cookie that is set and whose name begins so, apart from __Host-.
func (r reply) cookie(name string) *http.Cookie {
	for _, c := range r.Cookies() {
		if strings.HasPrefix(strings.TrimPrefix(c.Name, "__Host-"), name) && c.MaxAge >= 0 {
			return c
		}
	}
	return nil
}

// cookieName is what the proxy calls the cookie of a session, or of a login: "session", "login". Its port is in it,
// because browsers send cookies to every port of a host.
func (p *proxy) cookieName(kind string) string {
	_, port, _ := strings.Cut(p.host, ":")
	name := "ploomber_" + kind + "_" + port
	if strings.HasPrefix(p.url, "https") {
		name = "__Host-" + name
	}
	return name
}

// as is the header line of someone with that session id.
func (p *proxy) as(session string) string {
	return "Cookie: " + p.cookieName("session") + "=" + session
}

// socket is one connection on which anything can be said.
type socket struct {
	net.Conn
	t *testing.T
	r *bufio.Reader
}

// dial opens a connection to the proxy's public listener.
func (p *proxy) dial() *socket {
	p.t.Helper()
	conn, err := net.DialTimeout("tcp", p.host, clientLimit)
	if err != nil {
		p.t.Fatal(err)
	}
	if strings.HasPrefix(p.url, "https") {
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}) //nolint:gosec // the test made the certificate
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(clientLimit))
	return &socket{conn, p.t, bufio.NewReader(conn)}
}

// say writes bytes as they are. That the proxy has closed the connection already is seen when reading.
func (s *socket) say(text string) { _, _ = io.WriteString(s.Conn, text) }

// answer reads the next answer; the request's method says whether it has a body.
func (s *socket) answer(method string) (reply, error) {
	for {
		r, err := http.ReadResponse(s.r, &http.Request{Method: method})
		if err != nil {
			return reply{}, err
		}
		if r.StatusCode == http.StatusSwitchingProtocols {
			return reply{Response: r}, nil
		}
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if r.StatusCode < 200 {
			continue
		}
		return reply{r, string(body)}, err
	}
}

// ends reports whether the proxy closes the connection, without a further byte.
func (s *socket) ends() bool {
	_, err := s.r.ReadByte()
	return err != nil && !isTimeout(err)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// raw sends one request over a connection of its own and returns the answer to it.
func (p *proxy) raw(request string) reply {
	p.t.Helper()
	s := p.dial()
	defer func() { _ = s.Close() }()
	s.say(request)
	method, _, _ := strings.Cut(request, " ")
	r, err := s.answer(method)
	if err != nil {
		p.t.Fatalf("answer to %q: %v", first(request, 300), err)
	}
	return r
}

func first(s string, n int) string { return s[:min(n, len(s))] }

// head is the head of a request without its empty line.
func (p *proxy) head(method, target string, header ...string) string {
	return fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", method, target, p.host) + lines(header)
}

func lines(header []string) string {
	var b strings.Builder
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	return b.String()
}

// upgrade is the head of a WebSocket request.
func (p *proxy) upgrade(target string, header ...string) string {
	return p.head("GET", target, append([]string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, header...)...) + "\r\n"
}

// browser keeps cookies and does not follow redirects.
type browser struct {
	p      *proxy
	client *http.Client
}

func (p *proxy) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	b := p.bare()
	b.client.Jar = jar
	return b
}

// bare is a client that keeps nothing.
func (p *proxy) bare() *browser {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the test made the certificate
	p.t.Cleanup(transport.CloseIdleConnections)
	return &browser{p, &http.Client{Transport: transport, Timeout: clientLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// do sends a request to a path of the proxy or to a URL elsewhere; header lines are "Name: value".
func (b *browser) do(method, target, body string, header ...string) reply {
	b.p.t.Helper()
	r, err := b.try(method, target, body, header...)
	if err != nil {
		b.p.t.Fatalf("%s %s: %v", method, target, err)
	}
	return r
}

func (b *browser) try(method, target, body string, header ...string) (reply, error) {
	if strings.HasPrefix(target, "/") {
		target = b.p.url + target
	}
	r, err := http.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header[name] = append(r.Header[name], value)
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	for _, c := range answer.Cookies() {
		if strings.Contains(c.Name, "ploomber") {
			b.p.secret(c.Value)
		}
	}
	got, err := io.ReadAll(answer.Body)
	return reply{answer, string(got)}, err
}

func (b *browser) get(target string, header ...string) reply {
	b.p.t.Helper()
	return b.do("GET", target, "", header...)
}

const (
	asPage = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	asForm = "Content-Type: application/x-www-form-urlencoded"
)

func asBasic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return "Authorization: " + r.Header.Get("Authorization")
}

func tokenField(page string) string {
	found := regexp.MustCompile(`name="token" value="([^"]*)"`).FindStringSubmatch(page)
	if found == nil {
		return ""
	}
	return found[1]
}

// login opens the login page, fills in the form and sends it.
func (b *browser) login(next, user, password string) reply {
	b.p.t.Helper()
	page := b.get("/_auth/login?next="+url.QueryEscape(next), asPage)
	token := tokenField(page.body)
	if page.StatusCode != http.StatusOK || token == "" {
		b.p.t.Fatalf("login page: %d\n%s", page.StatusCode, page.body)
	}
	form := url.Values{"token": {token}, "next": {next}, "username": {user}, "password": {password}}
	return b.do("POST", "/_auth/login", form.Encode(), asForm, "Origin: "+b.p.url, "Sec-Fetch-Site: same-origin")
}

// loggedIn is a browser of someone who has logged in by the form.
func (p *proxy) loggedIn() *browser {
	p.t.Helper()
	b := p.browser()
	if in := b.login("/", user, pass); in.StatusCode != http.StatusSeeOther || b.session() == "" {
		p.t.Fatalf("login: %d\n%s", in.StatusCode, in.body)
	}
	return b
}

// cookie is the browser's session as a header line, "" where there is none.
func (b *browser) cookie() string {
	u, err := url.Parse(b.p.url)
	if err != nil || b.client.Jar == nil {
		return ""
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == b.p.cookieName("session") {
			return "Cookie: " + c.Name + "=" + c.Value
		}
	}
	return ""
}

// session is the id in the browser's session cookie.
func (b *browser) session() string {
	_, id, _ := strings.Cut(b.cookie(), "=")
	return id
}
