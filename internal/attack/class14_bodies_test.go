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
// that connection, whoever gives it and however little of the body has been sent until then.
func TestClass14SmugglingBodies(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	answersEarly(a)
	p := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"), "--private-listen", "127.0.0.1:0")
	plain := start(t, a.url, password("AUTH_PUBLIC_PATHS=/open/"))
	gone := start(t, "http://127.0.0.1:1", password("AUTH_PUBLIC_PATHS=/open/"))
	const chunked, rest = "Transfer-Encoding: chunked", 200 // bytes in the first chunk, all but a few of them withheld
	var wg sync.WaitGroup
	for name, body := range map[string]struct{ header, sent string }{
		"small":                {"Content-Length: 1000", ""},
		"small, begun":         {"Content-Length: 1000", "begun"},
		"middle":               {"Content-Length: 100000", ""},
		"middle, begun":        {"Content-Length: 100000", strings.Repeat("x", 50_000)},
		"just under the limit": {"Content-Length: 262143", ""},
		"large":                {"Content-Length: 300000", ""},
		"large, begun":         {"Content-Length: 300000", strings.Repeat("x", 40_000)},
		"large, near its end":  {"Content-Length: 300000", strings.Repeat("x", 299_000)},
		"chunked":              {chunked, ""},
		"chunked, size":        {chunked, fmt.Sprintf("%x\r\n", rest)},
		"chunked, begun":       {chunked, fmt.Sprintf("%x\r\nbegun", rest)},
		"chunked, no end":      {chunked, "5\r\nwhole\r\n"},
		"chunked, half an end": {chunked, "5\r\nwhole\r\n0\r\n"},
		"chunked, wrong":       {chunked, "5\r\nwhole\r\nxx\r\n"},
		"expecting":            {"Expect: 100-continue\r\nContent-Length: 1000", ""},
		"expecting, middle":    {"Expect: 100-continue\r\nContent-Length: 100000", ""},
		"expecting, chunked":   {"Expect: 100-continue\r\n" + chunked, ""},
	} {
		for _, target := range []string{"/open/early", "/open/early-and-gone", "/open/early-chunks", "/open/early-hints", "/open/partly",
			"/open/mute", "/open/garbage", "/open/half", // the app's
			"/private", "/_auth/login", "/logout", "/status", "/open//x", "/callback"} { // ours
			for _, method := range []string{"POST", "GET", "HEAD"} {
				wg.Go(func() { p.hide(method, target, name, body.header, body.sent) })
			}
		}
		for range 10 { // where it depends on who is faster
			wg.Go(func() { plain.hide("POST", "/open/early", name, body.header, body.sent) })
		}
		wg.Go(func() { gone.hide("POST", "/open/x", name, body.header, body.sent) })
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

// hide sends part of a request, and behind the answer, or when none comes, a request in place of the rest.
func (p *proxy) hide(method, target, name, header, sent string) {
	s := p.dial()
	defer func() { _ = s.Close() }()
	s.say(p.head(method, target, header) + "\r\n" + sent)
	_ = s.SetReadDeadline(time.Now().Add(2 * quiet))
	r, err := s.answer(method)
	if err != nil && !isTimeout(err) {
		return
	}
	_ = s.SetDeadline(time.Now().Add(2 * quiet))
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
