package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// unhurried is a client that never waits; it notes how long it would have.
func unhurried(t *testing.T) (*Client, *[]time.Duration) {
	t.Helper()
	waits := &[]time.Duration{}
	return &Client{
		Transport: transport(t, Options{}), UserAgent: "ploomber-cloud/test",
		Retry: httpclient.Retry{
			Sleep:  func(ctx context.Context, d time.Duration) error { *waits = append(*waits, d); return ctx.Err() },
			Jitter: func() float64 { return 0 },
		},
	}, waits
}

// rawServer answers each connection with the same bytes and ends it.
func rawServer(t *testing.T, reply string) (base string, connections *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = &atomic.Int32{}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, reply)
			c.Close()
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String(), connections
}

func TestGet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply  string
		got    string
		says   string // part of the error, empty for none
		kind   error
		status int
		tries  int32
	}{
		"whole":         {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", "", nil, 0, 1},
		"nothing":       {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", "", nil, 0, 1},
		"at the limit":  {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", "0123456789", "", nil, 0, 1},
		"over it":       {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n0123456789x", "*", "larger than 10 bytes", ErrTooLarge, 200, 1},
		"endless":       {"HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20), "*", "larger than 10 bytes", ErrTooLarge, 200, 1},
		"truncated":     {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "hello", "unexpected EOF", ErrNetwork, 200, 1},
		"no byte":       {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", "unexpected EOF", ErrNetwork, 200, 4},
		"bad chunk":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\x1b\r\n", "", "could not be fetched", ErrNetwork, 200, 1},
		"disconnected":  {"", "", "EOF", ErrNetwork, 0, 4},
		"not HTTP":      {"SSH-2.0 \x1b[31m\r\n\r\n", "", "could not be fetched", ErrNetwork, 0, 1},
		"unknown":       {"HTTP/1.1 404 Not Found\r\nContent-Length: 1\r\n\r\nx", "", "answered HTTP 404", nil, 404, 1},
		"limited":       {"HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\n\r\nx", "", "answered HTTP 403", nil, 403, 1},
		"failed":        {"HTTP/1.1 500 Oh \x1b[31m\r\nContent-Length: 1\r\n\r\nx", "", "answered HTTP 500", nil, 500, 1},
		"busy":          {"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "", "answered HTTP 503", nil, 503, 4},
		"too many":      {"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n", "", "answered HTTP 429", nil, 429, 4},
		"not the whole": {"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx", "", "answered HTTP 206", nil, 206, 1},
		"not a change":  {"HTTP/1.1 304 Same\r\n\r\n", "", "answered HTTP 304", nil, 304, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, connections := rawServer(t, tc.reply)
			c, waits := unhurried(t)
			var got bytes.Buffer
			err := c.Get(t.Context(), Request{URL: base + "/a?token=canary", Limit: 10}, &got)
			if (err == nil) != (tc.says == "") || tc.got != "*" && got.String() != tc.got || connections.Load() != tc.tries || len(*waits) != int(tc.tries)-1 {
				t.Errorf("%q after %d tries, waits %v: %v", &got, connections.Load(), *waits, err)
			}
			if err == nil {
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Status != tc.status || e.URL != base+"/a" || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%+v: %v", e, err)
			}
			for _, kind := range []error{ErrNetwork, ErrTooLarge} {
				if errors.Is(err, kind) != errors.Is(tc.kind, kind) {
					t.Errorf("%v is %v: %v", err, kind, errors.Is(err, kind))
				}
			}
			if s := err.Error(); strings.Contains(s, "canary") || strings.Contains(s, "net/http") || strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 || len(s) > 1000 {
				t.Errorf("message %q", s)
			}
		})
	}
}

func TestErrorBody(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer canary" || r.Header.Get("Accept") != "*/*" || r.UserAgent() != "ploomber-cloud/test" {
			t.Errorf("headers %v", r.Header)
		}
		w.WriteHeader(401)
		fmt.Fprint(w, `{"error":"gated"}`, strings.Repeat(" ", 1<<20))
	}))
	t.Cleanup(s.Close)
	c, _ := unhurried(t)
	err := c.Get(t.Context(), Request{URL: s.URL, Limit: 10, Header: http.Header{"authorization": {"Bearer canary"}}}, io.Discard)
	var e *Error
	if !errors.As(err, &e) || !strings.HasPrefix(string(e.Body), `{"error":"gated"}`) || len(e.Body) != maxErrorBody || strings.Contains(err.Error(), "gated") {
		t.Errorf("%d bytes, %v", len(e.Body), err)
	}
}

func TestRecovery(t *testing.T) {
	t.Parallel()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // on a connection in use, net/http repeats a GET by itself
		switch n++; n {
		case 1:
			w.Header().Set("Retry-After", "12")
			w.WriteHeader(429)
		case 2:
			w.Header().Set("Date", "Sun, 22 Nov 2026 07:00:00 GMT")
			w.Header().Set("Retry-After", "Sun, 22 Nov 2026 08:00:00 GMT")
			w.WriteHeader(503)
		case 3:
			panic(http.ErrAbortHandler)
		default:
			fmt.Fprint(w, "hello")
		}
	}))
	t.Cleanup(s.Close)
	c, waits := unhurried(t)
	var got bytes.Buffer
	err := c.Get(t.Context(), Request{URL: s.URL, Limit: 10}, &got)
	want := []time.Duration{12 * time.Second, 30 * time.Second, time.Second}
	if err != nil || got.String() != "hello" || fmt.Sprint(*waits) != fmt.Sprint(want) {
		t.Errorf("%q, waits %v, %v", &got, *waits, err)
	}
}

func TestHeadersStayWithTheFirstHost(t *testing.T) {
	t.Parallel()
	var home *httptest.Server
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Token") != "" || r.Header.Get("Referer") != "" {
			t.Errorf("another host got %v", r.Header)
		}
		if r.Header.Get("Accept") != "application/json" {
			t.Errorf("accept %q", r.Header.Get("Accept"))
		}
		if strings.HasPrefix(r.URL.Path, "/back") {
			http.Redirect(w, r, home.URL+"/end", http.StatusFound)
			return
		}
		fmt.Fprint(w, "other")
	}))
	t.Cleanup(other.Close)
	home = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/end":
			fmt.Fprint(w, "home "+r.Header.Get("Authorization"))
		case "/in":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		}
	}))
	t.Cleanup(home.Close)
	for path, want := range map[string]string{"/in": "home Bearer canary", "/out": "other", "/back": "home ", "/loop": ""} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			c, _ := unhurried(t)
			var got bytes.Buffer
			err := c.Get(t.Context(), Request{URL: home.URL + path + "?secret=1", Limit: 100, Header: http.Header{
				"Authorization": {"Bearer canary"}, "X-Token": {"canary"}, "Accept": {"application/json"},
			}}, &got)
			if got.String() != want || (err == nil) != (want != "") {
				t.Errorf("%q, %v", &got, err)
			}
		})
	}
	t.Run("to http", func(t *testing.T) {
		t.Parallel()
		s, ca := tlsServer(t, http.RedirectHandler(other.URL, http.StatusFound))
		c := &Client{Transport: transport(t, Options{CAFiles: []string{write(t, "ca.pem", ca)}}), Retry: httpclient.Retry{Max: -1}}
		if err := c.Get(t.Context(), Request{URL: s.URL, Limit: 10}, io.Discard); err == nil || !strings.Contains(err.Error(), "from https to http") {
			t.Error(err)
		}
	})
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]bool{"before the head": false, "within the body": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			arrived := make(chan struct{}, 9)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if head {
					fmt.Fprint(w, "x")
					w.(http.Flusher).Flush()
				}
				arrived <- struct{}{}
				<-over
			}))
			t.Cleanup(s.Close)
			defer close(over)
			c, waits := unhurried(t)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-arrived; cancel() }()
			if err := c.Get(ctx, Request{URL: s.URL, Limit: 9}, io.Discard); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNetwork) {
				t.Errorf("cancelled: %v", err)
			}
			c.IdleTimeout = 50 * time.Millisecond
			err := c.Get(t.Context(), Request{URL: s.URL, Limit: 9}, io.Discard)
			if !errors.Is(err, ErrNetwork) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || len(*waits) > 0 {
				t.Errorf("still: %v", err)
			}
		})
	}
}

func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	base, connections := rawServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
	c, _ := unhurried(t)
	full := errors.New("no space left")
	err := c.Get(t.Context(), Request{URL: base, Limit: 10}, failingWriter{full})
	if !errors.Is(err, full) || errors.Is(err, ErrNetwork) || connections.Load() != 1 {
		t.Error(err)
	}
}

type failingWriter struct{ err error }

func (f failingWriter) Write([]byte) (int, error) { return 0, f.err }

func TestRequestsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	c, _ := unhurried(t)
	for name, r := range map[string]Request{
		"no URL": {Limit: 1}, "relative": {URL: "/x", Limit: 1}, "other scheme": {URL: "file:///etc/passwd", Limit: 1},
		"broken": {URL: "http://%zz\x1b", Limit: 1}, "no limit": {URL: "http://127.0.0.1:1"},
		"broken, with a password": {URL: "http://ana:canary@[::1", Limit: 1},
	} {
		if err := c.Get(t.Context(), r, io.Discard); err == nil || strings.Contains(err.Error(), "\x1b") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Get(t.Context(), Request{URL: "http://127.0.0.1:1", Limit: 1}, io.Discard); !errors.Is(err, ErrNetwork) {
		t.Error(err)
	}
}

func TestPublic(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://example.com/a%2Fb":                      "https://example.com/a%2Fb",
		"https://ana:canary@example.com:8443/x?t=canary": "https://example.com:8443/x",
		"http://example.com/#canary":                     "http://example.com/",
		"http://ana:canary@[::1":                         "an invalid URL",
		"canary":                                         "an invalid URL",
		"mailto:canary":                                  "an invalid URL",
	} {
		if got := Public(raw); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}
