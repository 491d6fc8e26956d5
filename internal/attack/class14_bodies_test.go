package attack

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// hidden is what an attacker sends where a body is expected: a request that we would answer ourselves, since the app is
// not asked again over a connection on which a read has been broken off.
const hidden = "GET /_auth/login HTTP/1.1\r\nHost: x\r\n\r\n"

// Nothing that belongs to a body is taken for a request: an answer that comes before the body's end is the last one on
// that connection, whether the app or the proxy sends it, and however little of the body has been sent until then.
func TestClass14SmugglingBodies(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	answersEarly(a)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"), "--private-listen", "127.0.0.1:0")
	plain := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"))
	gone := start(t, "http://127.0.0.1:1", password("AUTH_PUBLIC_PATHS=/open/"))
	const chunked, rest = "Transfer-Encoding: chunked", 200 // bytes in the first chunk, all but a few of them withheld
	var wg sync.WaitGroup
	for name, body := range map[string]body{
		"small":                {"Content-Length: 1000", "", true},
		"small, begun":         {"Content-Length: 1000", "begun", true},
		"middle":               {"Content-Length: 100000", "", false},
		"middle, begun":        {"Content-Length: 100000", strings.Repeat("x", 50_000), false},
		"just under the limit": {"Content-Length: 262143", "", false},
		"large":                {"Content-Length: 300000", "", false},
		"large, begun":         {"Content-Length: 300000", strings.Repeat("x", 40_000), false},
		"large, near its end":  {"Content-Length: 300000", strings.Repeat("x", 299_000), false},
		"chunked":              {chunked, "", false},
		"chunked, size":        {chunked, fmt.Sprintf("%x\r\n", rest), false},
		"chunked, begun":       {chunked, fmt.Sprintf("%x\r\nbegun", rest), false},
		"chunked, no end":      {chunked, "5\r\nwhole\r\n", false},
		"chunked, half an end": {chunked, "5\r\nwhole\r\n0\r\n", false},
		"chunked, wrong":       {chunked, "5\r\nwhole\r\nxx\r\n", false},
		"expecting":            {"Expect: 100-continue\r\nContent-Length: 1000", "", true},
		"expecting, middle":    {"Expect: 100-continue\r\nContent-Length: 100000", "", false},
		"expecting, chunked":   {"Expect: 100-continue\r\n" + chunked, "", false},
	} {
		for _, target := range []string{"/open/early", "/open/early-and-gone", "/open/early-chunks", "/open/early-hints", "/open/partly",
			"/open/mute", "/open/garbage", "/open/half", // the app's
			"/private", "/_auth/login", "/logout", "/status", "/open//x", "/callback"} { // ours
			for _, method := range []string{"POST", "GET", "HEAD"} {
				wg.Go(func() { p.hide(method, target, name, body) })
			}
		}
		for range 10 { // where it depends on who is faster
			wg.Go(func() { plain.hide("POST", "/open/early", name, body) })
		}
		wg.Go(func() { gone.hide("POST", "/open/x", name, body) })
	}
	wg.Wait()
	early := 0
	for _, got := range a.taken() {
		if !strings.HasPrefix(got.Target, "/open/") {
			t.Errorf("the app got a request out of a body: %s", got.Wire)
		}
		if strings.HasPrefix(got.Target, "/open/early") {
			early++
		}
	}
	if early < 100 {
		t.Errorf("the app answered only %d times before a body: the test shows little", early)
	}
}

// body is a part of one.
type body struct {
	header, sent string
	awaited      bool // by us, for a minute, before the app is asked
}

// hide sends part of a request, and behind the answer, or when none comes, a request in place of the rest.
func (p *proxy) hide(method, target, name string, part body) {
	s := p.dial()
	defer func() { _ = s.Close() }()
	s.say(p.head(method, target, part.header) + "\r\n" + part.sent)
	_ = s.SetReadDeadline(time.Now().Add(2 * quiet))
	r, err := s.answer(method)
	if err != nil && !isTimeout(err) {
		return
	}
	limit := clientLimit
	if part.awaited {
		limit = quiet
	}
	_ = s.SetDeadline(time.Now().Add(limit))
	s.say(hidden)
	if err != nil { // only now there may be an answer to the first
		r, err = s.answer(method)
	}
	if err == nil {
		var second reply
		if second, err = s.answer("GET"); err == nil {
			p.t.Errorf("%s %s, body %s: %d, and a second answer: %d", method, target, name, r.StatusCode, second.StatusCode)
		}
	}
	if isTimeout(err) && !part.awaited {
		p.t.Errorf("%s %s, body %s: the connection stays open", method, target, name)
	}
}

// answersEarly adds paths at which the app does not wait for the body.
func answersEarly(a *app) {
	const refusal = "HTTP/1.1 413 Too Large\r\nX-App: yes\r\nContent-Length: 5\r\n\r\nearly"
	for path, does := range map[string]struct {
		answer string
		reads  int64 // bytes of the body, before
		closes bool
	}{
		"/open/early":          {answer: refusal},
		"/open/early-and-gone": {answer: refusal, closes: true},
		"/open/early-chunks":   {answer: "HTTP/1.1 200 OK\r\nX-App: yes\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nearly\r\n0\r\n\r\n"},
		"/open/early-hints":    {answer: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + refusal},
		"/open/partly":         {answer: refusal, reads: 3},
		"/open/mute":           {closes: true},
		"/open/garbage":        {answer: "nothing like HTTP\r\n\r\n"},
		"/open/half":           {answer: "HTTP/1.1 200 OK\r\nX-App: yes\r\nContent-Length: 10\r\n\r\nearly", closes: true},
	} {
		a.handle(path, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, does.reads)
			conn, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer func() { _ = conn.Close() }()
			_, _ = io.WriteString(conn, does.answer)
			if !does.closes {
				_ = conn.SetReadDeadline(time.Now().Add(clientLimit))
				_, _ = io.Copy(io.Discard, buf)
			}
		})
	}
}

// A connection goes on where the body has been read.
func TestClass14SmugglingBodiesKeepAlive(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"))
	s := p.dial()
	for _, size := range []int{0, 1, 1000, 16 << 10, 100_000, 200_000} { // less than a server gives up on
		for _, target := range []string{"/open/x", "/private"} {
			s.say(p.head("POST", target, fmt.Sprintf("Content-Length: %d", size)) + "\r\n" + strings.Repeat("x", size))
			if r, err := s.answer("POST"); err != nil || r.Close {
				t.Fatalf("%s, %d bytes: %v, the last answer: %v", target, size, err, r.Response != nil && r.Close)
			}
		}
	}
}

// What a proxy in front may have cut in another place is the last on its connection (RFC 9112, section 6.1),
// whether the app or the proxy answers it.
func TestClass14SmugglingFraming(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.handle("/open/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
	})
	a.handle("/open/304", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"))
	const old, keep, te = " HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n", " HTTP/1.1\r\nHost: x\r\n", "Transfer-Encoding: chunked\r\n"
	var wg sync.WaitGroup
	for name, rest := range map[string]string{
		"1.0":               old + "\r\n",
		"1.0, TE":           old + te + "\r\n",
		"1.0, TE and CL":    old + te + "Content-Length: 0\r\n\r\n",
		"1.0, TE, chunks":   old + te + "\r\n0\r\n\r\n",
		"1.0, TE, body":     old + te + "Content-Length: 2\r\n\r\nok",
		"TE and CL":         keep + te + "Content-Length: 5\r\n\r\n0\r\n\r\n",
		"CL and TE":         keep + "Content-Length: 5\r\n" + te + "\r\n0\r\n\r\n",
		"CL and TE, longer": keep + "Content-Length: 100\r\n" + te + "\r\n2\r\nok\r\n0\r\n\r\n",
		"CL 0 and TE":       keep + "Content-Length: 0\r\n" + te + "\r\n2\r\nok\r\n0\r\n\r\n",
		"TE, trailer":       keep + te + "\r\n0\r\nX: y\r\n\r\n",
	} {
		for _, target := range []string{"/open/x", "/open/hints", "/open/304", "/private", "/_auth/login", "/open//x", "/logout", "/status"} {
			for _, method := range []string{"POST", "GET", "HEAD"} {
				wg.Go(func() { p.last(method, target, name, rest) })
			}
		}
	}
	wg.Wait()
}

// last sends two requests at once and wants one answer.
func (p *proxy) last(method, target, name, rest string) {
	s := p.dial()
	defer func() { _ = s.Close() }()
	s.say(method + " " + target + rest + hidden)
	r, err := s.answer(method)
	if err != nil {
		p.t.Errorf("%s %s, %s: %v", method, target, name, err)
		return
	}
	if !s.ends() {
		p.t.Errorf("%s %s, %s: %d, and more behind it", method, target, name, r.StatusCode)
	}
}
