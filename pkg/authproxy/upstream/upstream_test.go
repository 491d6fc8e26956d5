package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// forwarder is what both ways to the app have in common.
type forwarder interface {
	Forward(w http.ResponseWriter, r *http.Request, to Target, hooks Hooks) error
	Close()
}

// each runs a test against Direct and against the standard ReverseProxy.
func each(t *testing.T, test func(t *testing.T, f forwarder)) {
	t.Helper()
	for name, f := range map[string]forwarder{"direct": NewDirect(time.Now), "reverse": NewReverse()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(f.Close)
			test(t, f)
		})
	}
}

// hooksSpy are Hooks for one WebSocket, or any number of requests to which they add a header.
type hooksSpy struct {
	anyHooks
	refuse   bool
	upgraded chan Transfer
	ended    chan struct{}
}

func newSpy() *hooksSpy {
	return &hooksSpy{upgraded: make(chan Transfer, 1), ended: make(chan struct{})}
}

func (*hooksSpy) ModifyResponse(_ int, h http.Header) { h.Set("X-Added", "yes") }

func (s *hooksSpy) Upgrade(t Transfer) (WebSocket, bool) {
	s.upgraded <- t
	return s, !s.refuse
}

func (s *hooksSpy) Sent([]byte) {}
func (s *hooksSpy) Closed()     { close(s.ended) }

// anyHooks are Hooks for any number of requests.
type anyHooks struct{}

func (anyHooks) Begin(ctx context.Context, t Transfer) {
	context.AfterFunc(ctx, func() { _ = t.Close() })
}
func (anyHooks) Done()                              {}
func (anyHooks) Accepts(int) bool                   { return true }
func (anyHooks) ModifyResponse(int, http.Header)    {}
func (anyHooks) Upgrade(Transfer) (WebSocket, bool) { return anySocket{}, true }

type anySocket struct{}

func (anySocket) Sent([]byte) {}
func (anySocket) Closed()     {}

// front is a server whose handler forwards to target. Errors become 502 with their class as the body.
func front(t *testing.T, f forwarder, to Target, hooks Hooks) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := f.Forward(w, r, to, hooks)
		switch {
		case err == nil:
		case errors.Is(err, ErrBroken):
			panic(http.ErrAbortHandler)
		case errors.Is(err, ErrUnreachable):
			http.Error(w, "unreachable", http.StatusBadGateway)
		case errors.Is(err, ErrMalformed):
			http.Error(w, "malformed", http.StatusBadGateway)
		default:
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// appServer starts an app on net/http.
func appServer(t *testing.T, h http.HandlerFunc) Target {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	to, err := ParseTarget(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// rawApp starts an app that is a function over a connection. n counts connections from 0.
func rawApp(t *testing.T, serve func(c net.Conn, br *bufio.Reader, n int)) Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	wg.Go(func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				serve(c, bufio.NewReader(c), n)
			})
		}
	})
	return Target{Address: l.Addr().String()}
}

// answering reads requests without bodies and answers each with the same bytes; a connection on which it has said
// "close" it closes.
func answering(t *testing.T, answer string, closeAfter bool) Target {
	return rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
		for {
			if _, err := http.ReadRequest(br); err != nil {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil || closeAfter {
				return
			}
		}
	})
}

// newTransport returns a client of the test's own: other tests' servers close the connections of the default one.
func newTransport(t *testing.T) *http.Transport {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// patience is how long anything may take on a machine that does other things too.
const patience = time.Minute

// reply is a response whose body is read or closed elsewhere.
type reply struct{ *http.Response }

func do(t *testing.T, method, url string, body io.Reader) (reply, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := newTransport(t).RoundTrip(r)
	if err != nil {
		return reply{}, "", err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	return reply{answer}, string(got), err
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	each(t, func(t *testing.T, f forwarder) {
		for name, tc := range map[string]struct {
			method, answer string
			closeAfter     bool // the app closes after the response
			code           int
			body           string
			header         map[string]string // "" wants none
		}{
			"sized":             {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello", false, 200, "hello", map[string]string{"X-A": "b", "Content-Length": "5", "X-Added": "yes"}},
			"no reason":         {"GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", false, 200, "", nil},
			"bare LF":           {"GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", false, 200, "ok", nil},
			"same length twice": {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", nil},
			"large":             {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + long, false, 200, long, nil},
			"chunked":           {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", false, 200, "hello world", nil},
			"chunked, large":    {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n186A0\r\n" + long + "\r\n0\r\n\r\n", false, 200, long, nil},
			"until the end":     {"GET", "HTTP/1.1 200 OK\r\n\r\n" + long, true, 200, long, nil},
			"HTTP/1.0":          {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true, 200, "ok", nil},
			"HTTP/1.0 no end":   {"GET", "HTTP/1.0 200 OK\r\n\r\nok", true, 200, "ok", nil},
			"connection close":  {"GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", true, 200, "ok", nil},
			"not found":         {"GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", false, 404, "no", nil},
			"no content":        {"GET", "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n", false, 204, "", map[string]string{"X-A": "b"}},
			"not modified":      {"GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"x\"\r\n\r\n", false, 304, "", map[string]string{"Etag": `"x"`}},
			"HEAD":              {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", false, 200, "", map[string]string{"Content-Length": "1234"}},
			"HEAD, chunked":     {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 200, "", nil},
			"interim":           {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", map[string]string{"Link": ""}},
			"hop by hop":        {"GET", "HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", map[string]string{"X-Hop": "", "Keep-Alive": "", "Connection": ""}},
			"repeated header":   {"GET", "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", map[string]string{"Set-Cookie": "a=1|b=2"}},
			"long header":       {"GET", "HTTP/1.1 200 OK\r\nX-Long: " + long[:30_000] + "\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok", map[string]string{"X-Long": long[:30_000]}},
			"nothing":           {"GET", "", true, 502, "", nil},
			"no HTTP":           {"GET", "SSH-2.0-OpenSSH\r\n\r\n", true, 502, "", nil},
			"two lengths":       {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!", true, 502, "", nil},
			"bad length":        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", true, 502, "", nil},
			"bad encoding":      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nok", true, 502, "", nil},
			"head breaks off":   {"GET", "HTTP/1.1 200 OK\r\nContent-Le", true, 502, "", nil},
			"upgrade unasked":   {"GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", true, 502, "", nil},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server := front(t, f, answering(t, tc.answer, tc.closeAfter), newSpy())
				for i := range 3 { // over the same connection, if it was kept
					answer, body, err := do(t, tc.method, server.URL+"/x", nil)
					if err != nil {
						t.Fatalf("request %d: %v", i, err)
					}
					if answer.StatusCode != tc.code || tc.code != 502 && body != tc.body {
						t.Fatalf("request %d: %d with %d bytes; want %d with %d", i, answer.StatusCode, len(body), tc.code, len(tc.body))
					}
					for name, want := range tc.header {
						if got := strings.Join(answer.Header.Values(name), "|"); got != want {
							t.Errorf("%s: %.100q, want %.100q", name, got, want)
						}
					}
				}
			})
		}
	})
}

// What is ambiguous is refused; the standard library lets some of it pass.
func TestAmbiguousAnswers(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	for name, answer := range map[string]string{
		"length and encoding":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
		"two encodings":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"encoding in HTTP/1.0":   "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"folded line":            "HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
		"space before the colon": "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
		"space in a name":        "HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 2\r\n\r\nok",
		"no colon":               "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\nok",
		"NUL":                    "HTTP/1.1 200 OK\r\nX-A: b\x00c\r\nContent-Length: 2\r\n\r\nok",
		"CR":                     "HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\nok",
		"list of lengths":        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
		"plus":                   "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
		"HTTP/2.0":               "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"four digits":            "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok",
		"endless head":           "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("b", 1000)+"\r\n", 300) + "\r\n",
		"endless interim":        strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := front(t, f, answering(t, answer, true), newSpy())
			got, body, err := do(t, "GET", server.URL, nil)
			if err != nil || got.StatusCode != http.StatusBadGateway || strings.TrimSpace(body) != "malformed" {
				t.Errorf("%v, %q, %v; want it refused as malformed", got, body, err)
			}
		})
	}
}

// A response that breaks off must not look whole.
func TestBrokenAnswers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		for name, answer := range map[string]string{
			"short":                   "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
			"short and large":         "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 500_000),
			"chunk breaks off":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhello",
			"no last chunk":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
			"no chunk size":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n",
			"chunk longer than size":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n0\r\n\r\n",
			"chunk size overflows":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n",
			"line between is endless": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;" + strings.Repeat("x", 100_000),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server := front(t, f, answering(t, answer, true), newSpy())
				if answer, body, err := do(t, "GET", server.URL, nil); err == nil {
					t.Errorf("%d with %d bytes looks whole", answer.StatusCode, len(body))
				}
			})
		}
	})
}

func TestTrailers(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		to := answering(t, "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n", false)
		answer, body, err := do(t, "GET", front(t, f, to, newSpy()).URL, nil)
		if err != nil || body != "hello" || answer.Trailer.Get("X-Sum") != "42" {
			t.Errorf("%q, trailer %v, %v", body, answer.Trailer, err)
		}
	})
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		answer, body, err := do(t, "GET", front(t, f, Target{Address: "127.0.0.1:1"}, newSpy()).URL, nil) // nobody is there
		if err != nil || answer.StatusCode != http.StatusBadGateway || strings.TrimSpace(body) != "unreachable" {
			t.Errorf("%v %q %v", answer, body, err)
		}
	})
}

// An app may close idle connections at any time; no client may notice.
func TestIdleConnectionsThatDied(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		const requests = 20
		hungUp := make(chan struct{}, requests)
		to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
			if r, err := http.ReadRequest(br); err == nil {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // and no "Connection: close"
				_ = c.Close()
				hungUp <- struct{}{}
			}
		})
		server := front(t, f, to, newSpy())
		for i := range requests {
			method, body := "GET", ""
			if i%2 == 1 {
				method, body = "POST", "data"
			}
			answer, got, err := do(t, method, server.URL, strings.NewReader(body))
			if err != nil || answer.StatusCode != 200 || got != "ok" {
				t.Errorf("request %d: %v %q %v", i, answer, got, err)
			}
			<-hungUp
		}
	})
}

// What an app sends beyond a response must never become the next client's answer. (The standard Transport notices
// too, but in a goroutine of its own, which may come too late.)
func TestUnaskedAnswers(t *testing.T) {
	t.Parallel()
	const injected = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nplanted"
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	for name, tc := range map[string]struct{ method, answer string }{
		"behind a body":       {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
		"behind HEAD":         {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"},
		"behind no content":   {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
		"behind chunks":       {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		"behind an unchanged": {"GET", "HTTP/1.1 304 Not Modified\r\n\r\n"},
	} {
		for _, pause := range []time.Duration{0, 5 * time.Millisecond} {
			t.Run(fmt.Sprint(name, pause), func(t *testing.T) {
				t.Parallel()
				sent := make(chan struct{}, 3)
				to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
					for {
						if _, err := http.ReadRequest(br); err != nil {
							return
						}
						_, _ = io.WriteString(c, tc.answer)
						time.Sleep(pause)
						_, _ = io.WriteString(c, injected)
						sent <- struct{}{}
					}
				})
				server := front(t, f, to, newSpy())
				for range 3 {
					if _, body, err := do(t, tc.method, server.URL, nil); err != nil || strings.Contains(body, "injected") {
						t.Fatalf("body %q, %v", body, err)
					}
					<-sent // before the next request: what comes after it is a response to it, as far as anybody can tell
				}
			})
		}
	}
}

// An interim response sets no cookie, since nobody has looked at it, and takes nothing away from the final one.
func TestInterimAnswer(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
		if _, err := http.ReadRequest(br); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nSet-Cookie: a=b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Final", "yes")
		if err := f.Forward(w, r, to, newSpy()); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	r, _ := http.NewRequest("GET", server.URL, nil)
	var interim []http.Header
	r = r.WithContext(httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
		interim = append(interim, http.Header(h))
		return nil
	}}))
	answer, err := newTransport(t).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if len(interim) != 1 || interim[0].Get("Link") != "</x>" || interim[0]["Set-Cookie"] != nil || interim[0]["X-Final"] != nil {
		t.Errorf("interim %v", interim)
	}
	if answer.Header.Get("X-Final") != "yes" || answer.Header["Link"] != nil {
		t.Errorf("final %v", answer.Header)
	}
}
