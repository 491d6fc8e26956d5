package attack

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Security class 13: a WebSocket needs a session and a page of this origin, and no redirect ever answers one.
func TestClass13WebSocket(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	b := p.loggedIn()
	cookie, id := b.cookie(), b.session()
	for name, tc := range map[string]struct {
		header []string
		status int
	}{
		"session":                   {[]string{cookie}, 101},
		"own origin":                {[]string{cookie, "Origin: " + p.url}, 101},
		"Basic":                     {[]string{asBasic(user, pass)}, 101},
		"subprotocols":              {[]string{cookie, "Sec-WebSocket-Protocol: bokeh, eyJ.x.y"}, 101},
		"nothing":                   {nil, 401},
		"a page's":                  {[]string{asPage}, 401},
		"a navigation's":            {[]string{asPage, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 401},
		"wrong session":             {[]string{p.as(strings.Repeat("A", 43))}, 401},
		"wrong password":            {[]string{asBasic(user, "canary guess")}, 401},
		"id as subprotocol":         {[]string{"Sec-WebSocket-Protocol: " + id}, 401},
		"id as named subprotocol":   {[]string{"Sec-WebSocket-Protocol: " + p.cookieName("session") + ", " + id}, 401},
		"cookie as subprotocol":     {[]string{"Sec-WebSocket-Protocol: Cookie: " + p.cookieName("session") + "=" + id}, 401},
		"id as bearer":              {[]string{"Authorization: Bearer " + id}, 401},
		"id as bearer subprotocol":  {[]string{"Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io." + id}, 401},
		"id as key":                 {[]string{"Sec-WebSocket-Key: " + id}, 401},
		"foreign origin":            {[]string{cookie, "Origin: https://evil.example"}, 403},
		"foreign origin with Basic": {[]string{asBasic(user, pass), "Origin: https://evil.example"}, 403},
		"null":                      {[]string{cookie, "Origin: null"}, 403},
		"empty":                     {[]string{cookie, "Origin: "}, 403},
		"other port":                {[]string{cookie, "Origin: http://127.0.0.1:1"}, 403},
		"suffix":                    {[]string{cookie, "Origin: " + p.url + ".evil.example"}, 403},
		"host as user":              {[]string{cookie, "Origin: http://" + p.host + "@evil.example"}, 403},
		"host as path":              {[]string{cookie, "Origin: http://evil.example/" + p.host}, 403},
		"host in the fragment":      {[]string{cookie, "Origin: http://evil.example#" + p.host}, 403},
		"another scheme":            {[]string{cookie, "Origin: file://" + p.host}, 403},
		"two, ours first":           {[]string{cookie, "Origin: " + p.url, "Origin: https://evil.example"}, 400},
		"two in one":                {[]string{cookie, "Origin: " + p.url + ", https://evil.example"}, 403},
		"two in one, by space":      {[]string{cookie, "Origin: https://evil.example " + p.url}, 403},
		"hidden from us":            {[]string{cookie, "Connection: Upgrade, Origin", "Origin: https://evil.example"}, 403},
		"by another name":           {[]string{cookie, "Sec-WebSocket-Origin: " + p.url, "Origin: https://evil.example"}, 403},
		"Host agrees with it":       {[]string{cookie, "Origin: http://evil.example", "X-Forwarded-Host: evil.example"}, 403},
	} {
		target := "/ws?" + url.QueryEscape(name) // tells the requests of the cases apart
		request := p.upgrade(target, tc.header...)
		if name == "hidden from us" {
			request = strings.Replace(request, "Connection: Upgrade\r\n", "", 1)
		}
		r := p.raw(request)
		got := slices.DeleteFunc(a.taken(), func(s seen) bool { return s.Target != target })
		if r.StatusCode != tc.status || len(got) > 0 != (tc.status == 101) {
			t.Errorf("%s: %d, want %d; the app got %d requests", name, r.StatusCode, tc.status, len(got))
		}
		if name == "subprotocols" && (len(got) != 1 || got[0].Header.Get("Sec-WebSocket-Protocol") != "bokeh, eyJ.x.y") {
			t.Errorf("subprotocols: %+v", got)
		}
		if r.Header.Get("Location") != "" {
			t.Errorf("%s: redirected to %s", name, r.location())
		}
	}
}

// upgrader is an app that answers upgrades as it is told, and records everything that comes afterwards.
type upgrader struct {
	url string

	mu  sync.Mutex
	got strings.Builder
}

func newUpgrader(t *testing.T, answer string) *upgrader {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	u := &upgrader{url: "http://" + l.Addr().String()}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go u.serve(conn, answer)
		}
	}()
	return u
}

// serve reads one request, answers, and reads on.
func (u *upgrader) serve(conn net.Conn, answer string) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(clientLimit))
	br := bufio.NewReader(conn)
	for {
		line, err := br.ReadString('\n')
		u.note(line)
		if err != nil {
			return
		}
		if line == "\r\n" {
			break
		}
	}
	_, _ = io.WriteString(conn, answer)
	for {
		b := make([]byte, 4096)
		n, err := br.Read(b)
		u.note(string(b[:n]))
		if err != nil {
			return
		}
	}
}

func (u *upgrader) note(s string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.got.WriteString(s)
}

func (u *upgrader) text() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.got.String()
}

// An upgrade that fails leaves no tunnel behind: what comes after it is a request like any other.
func TestClass13WebSocketSmuggledInFailedUpgrade(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"200":                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"200 that says upgrade":  "HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok",
		"200 without end":        "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nok",
		"400":                    "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
		"426":                    "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n",
		"204":                    "HTTP/1.1 204 No Content\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"101 without headers":    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"101 to another":         "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		"101 with a length":      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok",
		"100, then 200":          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"103, then 101 to other": "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgrader(t, answer)
			p := start(t, u.url, password("AUTH_PUBLIC_PATHS=/open/"))
			s := p.dial()
			const smuggled = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"
			s.say(p.upgrade("/open/ws") + smuggled)
			for range 2 {
				_ = s.SetReadDeadline(time.Now().Add(quiet))
				r, err := s.answer("GET")
				if err != nil {
					break
				}
				if r.StatusCode == http.StatusSwitchingProtocols {
					t.Errorf("the upgrade succeeded: %v", r.Header)
					break
				}
				s.say(smuggled)
			}
			_ = s.Close()
			wantApp := 1
			if got := u.text(); strings.Contains(got, "/secret") || strings.Count(got, "HTTP/1.1\r\n") > wantApp {
				t.Errorf("the app got\n%s", got)
			}
		})
	}
}

// What looks like an upgrade and is none is carried as a plain request, or refused.
func TestClass13WebSocketHalf(t *testing.T) {
	t.Parallel()
	const smuggled = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"
	plain := func(header ...string) func(*proxy) string {
		return func(p *proxy) string { return p.head("GET", "/open/ws", header...) + "\r\n" }
	}
	for name, tc := range map[string]struct {
		request func(*proxy) string
		body    bool // what follows the request is its body, which the app gets
	}{
		"no Connection": {request: plain("Upgrade: websocket")},
		"no Upgrade":    {request: plain("Connection: Upgrade")},
		"POST": {request: func(p *proxy) string {
			return p.head("POST", "/open/ws", "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 0") + "\r\n"
		}},
		"a body": {request: plain("Connection: Upgrade", "Upgrade: websocket", fmt.Sprintf("Content-Length: %d", len(smuggled))), body: true},
		"chunks": {request: func(p *proxy) string {
			return plain("Connection: Upgrade", "Upgrade: websocket", "Transfer-Encoding: chunked")(p) + "0\r\n\r\n"
		}},
		"HTTP/1.0":           {request: func(p *proxy) string { return strings.Replace(p.upgrade("/open/ws"), "HTTP/1.1", "HTTP/1.0", 1) }},
		"several protocols":  {request: plain("Connection: Upgrade", "Upgrade: websocket, h2c")},
		"two Upgrade lines":  {request: plain("Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c")},
		"h2c":                {request: plain("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")},
		"plain":              {request: plain()},
		"protocol with more": {request: plain("Connection: Upgrade", "Upgrade: websocket/13")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgrader(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			p := start(t, u.url, password("AUTH_PUBLIC_PATHS=/open/"))
			s := p.dial()
			_ = s.SetReadDeadline(time.Now().Add(quiet / 4))
			s.say(tc.request(p) + smuggled)
			r, err := s.answer("GET")
			if err == nil && r.StatusCode == http.StatusSwitchingProtocols {
				t.Errorf("status %d, want no switch of protocols", r.StatusCode)
			}
			_, _ = s.answer("GET")
			_ = s.Close()
			got := u.text()
			if head, body, _ := strings.Cut(got, "\r\n\r\n"); strings.Contains(head, "/secret") || strings.Contains(body, "/secret") && !tc.body {
				t.Errorf("the app got\n%s\nwant no request for /secret", got)
			}
		})
	}
}

// A session that ends while its WebSocket is open takes it along.
func TestClass13WebSocketMidStream(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_SESSION_LIFETIME=20s"))
	s := p.dial()
	s.say(p.upgrade("/ws", asBasic(user, pass)))
	if r, err := s.answer("GET"); err != nil || r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %d, %v", status(r), err)
	}
	s.say("x")
	if c, err := s.r.ReadByte(); c != 'x' {
		t.Fatal(err)
	}
	if !s.ends() {
		t.Error("the WebSocket is still open, long after the session has ended")
	}
}
