package attack

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Security class 14: what two servers could take for another number of requests is refused, or is the same to both.
func TestClass14Smuggling(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"))
	var wg sync.WaitGroup
	const secret = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n"
	te := "Transfer-Encoding: chunked"
	for name, request := range map[string]string{
		"CL, TE":                      "Content-Length: 60\r\n" + te + "\r\n\r\n0\r\n\r\n" + secret,
		"TE, CL":                      te + "\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + secret,
		"CL 0, TE":                    "Content-Length: 0\r\n" + te + "\r\n\r\n0\r\n\r\n" + secret,
		"two CL":                      "Content-Length: 0\r\nContent-Length: 35\r\n\r\n" + secret,
		"two CL, alike":               "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok" + secret,
		"CL list":                     "Content-Length: 2, 2\r\n\r\nok" + secret,
		"CL +":                        "Content-Length: +2\r\n\r\nok" + secret,
		"CL -":                        "Content-Length: -2\r\n\r\n" + secret,
		"CL hex":                      "Content-Length: 0x2\r\n\r\nok" + secret,
		"CL zeros":                    "Content-Length: 0002\r\n\r\nok" + secret,
		"CL huge":                     "Content-Length: 99999999999999999999\r\n\r\nok" + secret,
		"CL empty":                    "Content-Length:\r\n\r\n" + secret,
		"CL space":                    "Content-Length: 0 0\r\n\r\n" + secret,
		"CL underscore":               "Content-Length: 1_0\r\n\r\n" + secret,
		"CL alias":                    "Content_Length: 35\r\n\r\n" + secret,
		"CL with space before colon":  "Content-Length : 35\r\n\r\n" + secret,
		"CL folded":                   "Content-Length:\r\n 35\r\n\r\n" + secret,
		"CL after a bare LF":          "X: y\nContent-Length: 35\r\n\r\n" + secret,
		"CL after a bare CR":          "X: y\rContent-Length: 35\r\n\r\n" + secret,
		"TE twice":                    te + "\r\n" + te + "\r\n\r\n0\r\n\r\n" + secret,
		"TE and identity":             te + "\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + secret,
		"TE list":                     "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + secret,
		"TE gzip, chunked":            "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + secret,
		"TE xchunked":                 "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + secret,
		"TE with tab":                 "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + secret,
		"TE with vertical tab":        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + secret,
		"TE quoted":                   "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + secret,
		"TE alias":                    "Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + secret,
		"TE folded":                   "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + secret,
		"TE upper case":               "TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n" + secret,
		"TE by Connection":            "Connection: Transfer-Encoding\r\n" + te + "\r\n\r\n0\r\n\r\n" + secret,
		"CL by Connection":            "Connection: Content-Length\r\nContent-Length: 2\r\n\r\nok" + secret,
		"chunk extension":             te + "\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n" + secret,
		"chunk extension with LF":     te + "\r\n\r\n2;\nxx\r\n35\r\n0\r\n\r\n" + secret,
		"chunk extension, quoted":     te + "\r\n\r\n2;a=\"\r\n0\r\n\r\n\"\r\nok\r\n0\r\n\r\n" + secret,
		"chunk size with space":       te + "\r\n\r\n2 \r\nok\r\n0\r\n\r\n" + secret,
		"chunk size with 0x":          te + "\r\n\r\n0x2\r\nok\r\n0\r\n\r\n" + secret,
		"chunk size with plus":        te + "\r\n\r\n+2\r\nok\r\n0\r\n\r\n" + secret,
		"chunk size with underscore":  te + "\r\n\r\n0_2\r\nok\r\n0\r\n\r\n" + secret,
		"chunk size negative":         te + "\r\n\r\n-2\r\nok\r\n0\r\n\r\n" + secret,
		"chunk size too large":        te + "\r\n\r\nfffffffffffffffff2\r\nok\r\n0\r\n\r\n" + secret,
		"chunk of 2^64":               te + "\r\n\r\n10000000000000002\r\nok\r\n0\r\n\r\n" + secret,
		"chunk without end":           te + "\r\n\r\n2\r\nokXX0\r\n\r\n" + secret,
		"chunk with LF":               te + "\r\n\r\n2\nok\n0\n\n" + secret,
		"last chunk with zeros":       te + "\r\n\r\n000\r\n\r\n" + secret,
		"trailer that is a request":   te + "\r\n\r\n0\r\nX: y\r\n\r\n" + secret,
		"trailer with a length":       te + "\r\n\r\n0\r\nContent-Length: 35\r\n\r\n" + secret,
		"head with LF":                "X: y\n\n" + secret,
		"empty name":                  ": x\r\n\r\n" + secret,
		"no colon":                    "nothing\r\n\r\n" + secret,
		"second Host":                 "Host: y\r\n\r\n" + secret,
		"NUL":                         "X: a\x00b\r\n\r\n" + secret,
		"control in the name":         "X\x01: a\r\n\r\n" + secret,
		"folded start":                " X: a\r\n\r\n" + secret,
		"folded into a second header": "X: a\r\n\tContent-Length: 35\r\n\r\n" + secret,
		"Expect":                      "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok" + secret,
		"Expect something else":       "Expect: 200-ok\r\nContent-Length: 2\r\n\r\nok" + secret,
		"Expect twice":                "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok" + secret,
		"plain":                       "\r\n" + secret,
		"body":                        "Content-Length: 35\r\n\r\n" + secret,
	} {
		for _, method := range []string{"POST", "GET"} {
			wg.Go(func() { smuggle(t, p, method, name, request) })
		}
	}
	wg.Wait()
	seenBy := map[string]int{}
	for _, g := range a.taken() {
		seenBy[g.Target]++
		wire := strings.ToLower(g.Wire)
		if !strings.HasPrefix(g.Target, "/open/x") || seenBy[g.Target] > 1 {
			t.Errorf("the app got one more request, to %s", g.Target)
		}
		if _, rest, _ := strings.Cut(g.Wire, "\r\n\r\n"); strings.Contains(rest, "GET /secret") && g.Body == "" {
			t.Errorf("behind a request the app got\n%s", g.Wire)
		}
		if strings.Contains(wire, "\r\ncontent-length:") && strings.Contains(wire, "\r\ntransfer-encoding:") || strings.Count(wire, "\r\ncontent-length:") > 1 {
			t.Errorf("the app got two lengths:\n%s", g.Wire)
		}
	}
	if len(seenBy) < 10 {
		t.Errorf("only %d requests reached the app: the test shows little", len(seenBy))
	}
}

// smuggle sends one of the requests and reads what is answered, for as long as something comes.
func smuggle(t *testing.T, p *proxy, method, name, request string) {
	s := p.dial()
	defer func() { _ = s.Close() }()
	s.say(method + " /open/x?" + url.QueryEscape(method+" "+name) + " HTTP/1.1\r\nHost: " + p.host + "\r\n" + request)
	for i := range 4 {
		_ = s.SetReadDeadline(time.Now().Add(quiet))
		r, err := s.answer(method)
		if err != nil {
			return
		}
		if i > 0 && r.StatusCode != http.StatusUnauthorized && r.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: answer %d is %d", method, name, i+1, r.StatusCode)
		}
	}
}

// quiet is after how long a proxy that says nothing has nothing to say.
const quiet = 2 * time.Second

// A server that turns the names of headers into variables finds the length of a body under other spellings too, and
// would wait for one that we know nothing of.
func TestClass14SmugglingAliases(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/public/"))
	for _, header := range []string{"Content_Length: 35", "content.length: 35", "CONTENT_LENGTH: 35", "Content~Length: 35", "ContentLength: 35", "Content-Length_: 35",
		"Transfer_Encoding: chunked", "transfer.encoding: chunked", "TransferEncoding: chunked", "Transfer-Encoding.: chunked"} {
		for _, real := range []string{"", "Content-Length: 2", "Transfer-Encoding: chunked"} {
			body := map[string]string{"": "", "Content-Length: 2": "ok", "Transfer-Encoding: chunked": "2\r\nok\r\n0\r\n\r\n"}[real]
			more := []string{header}
			if real != "" {
				more = append(more, real)
			}
			answer := p.raw(p.head("POST", "/public/x", more...) + "\r\n" + body)
			got := a.taken()
			name, _, _ := strings.Cut(header, ":")
			if answer.StatusCode != http.StatusOK || len(got) != 1 || real != "" && got[0].Body != "ok" {
				t.Fatalf("%q with %q: %d, %v", header, real, answer.StatusCode, got)
			}
			if strings.Contains(strings.ToLower(got[0].Wire), "\n"+strings.ToLower(name)+":") {
				t.Errorf("%q: the app got\n%s", header, got[0].Wire)
			}
		}
	}
}

// A connection carries requests one by one: what one of them proved says nothing about the next.
func TestClass14SmugglingPipelined(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	cookie := p.loggedIn().cookie()
	s := p.dial()
	s.say(p.head("GET", "/1", cookie) + "\r\n" + p.head("GET", "/2") + "\r\n" + p.head("GET", "/3", asBasic(user, pass)) + "\r\n" + p.head("GET", "/4", "X-Auth-Name: "+user) + "\r\n")
	for i, want := range []int{200, 401, 200, 401} {
		r, err := s.answer("GET")
		if err != nil || r.StatusCode != want {
			t.Errorf("request %d: %d, %v, want %d", i+1, status(r), err, want)
		}
	}
	for _, got := range a.taken() {
		if got.Target != "/1" && got.Target != "/3" {
			t.Errorf("the app got %s", got.Target)
		}
	}
}

// Heads have limits: of their size, of their number, of their names.
func TestClass14SmugglingLimits(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password())
	cookie := p.loggedIn().cookie()
	for name, request := range map[string]string{
		"large header":   p.head("GET", "/", cookie, "X: "+strings.Repeat("x", 64<<10)) + "\r\n",
		"many headers":   p.head("GET", "/", cookie) + strings.Repeat("X: y\r\n", 20_000) + "\r\n",
		"large target":   p.head("GET", "/"+strings.Repeat("x", 64<<10), cookie) + "\r\n",
		"large method":   p.head(strings.Repeat("X", 64<<10), "/", cookie) + "\r\n",
		"large name":     p.head("GET", "/", cookie, strings.Repeat("X", 64<<10)+": y") + "\r\n",
		"large trailer":  p.head("POST", "/", cookie, "Transfer-Encoding: chunked") + "\r\n0\r\n" + strings.Repeat("X: y\r\n", 20_000) + "\r\n",
		"large chunk ex": p.head("POST", "/", cookie, "Transfer-Encoding: chunked") + "\r\n2;" + strings.Repeat("x", 64<<10) + "\r\nok\r\n0\r\n\r\n",
	} {
		s := p.dial()
		_ = s.SetDeadline(time.Now().Add(2 * quiet))
		s.say(request)
		if r, err := s.answer("GET"); err == nil && (r.StatusCode < 400 || r.StatusCode >= 500) && name != "large trailer" {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
		_ = s.Close()
	}
	wantApp(t, "afterwards", p.bare().get("/", cookie))
}

// The app's answers are read as strictly: what comes behind one is nobody's answer.
func TestClass14SmugglingAnswers(t *testing.T) {
	t.Parallel()
	const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
	for name, answer := range map[string]string{
		"more than its length": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + poison,
		"behind chunks":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + poison,
		"behind 204":           "HTTP/1.1 204 No Content\r\n\r\n" + poison,
		"behind 304":           "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n" + poison,
		"204 with a length":    "HTTP/1.1 204 No Content\r\nContent-Length: 53\r\n\r\n" + poison,
		"CL and TE":            "HTTP/1.1 200 OK\r\nContent-Length: 60\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + poison,
		"two CL":               "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 53\r\n\r\n" + poison,
		"101 unasked":          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + poison,
		"bare LF":              "HTTP/1.1 200 OK\nContent-Length: 2\n\nok" + poison,
		"split header":         "HTTP/1.1 200 OK\r\nX: a\r\r\nContent-Length: 0\r\n\r\n" + poison,
		"HEAD-like":            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" + poison,
		"HTTP/1.0 keep-alive":  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok" + poison,
		"100s":                 strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 200) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + poison,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgrader(t, answer)
			p := start(t, u.url, password())
			cookie := p.loggedIn().cookie()
			for i := range 4 {
				s := p.dial()
				_ = s.SetReadDeadline(time.Now().Add(quiet))
				s.say(p.head("GET", fmt.Sprintf("/%d", i), cookie) + "\r\n")
				r, err := s.answer("GET")
				if err == nil && (strings.Contains(r.body, "poison") || r.StatusCode == http.StatusSwitchingProtocols) {
					t.Errorf("answer %d: %d %q", i, r.StatusCode, r.body)
				}
				_ = s.Close()
			}
		})
	}
}
