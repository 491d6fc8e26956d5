package cloudapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
	"time"
)

// A server that reads no chunks must find the end of every request. net/http on its side would hide how a body is
// framed, so this one is written by hand.
func TestRequestsWithoutBody(t *testing.T) {
	t.Parallel()
	const body = `{"id":"x","type":"y","_model":{"type":"pro"}}`
	for name, want := range map[string]string{
		"create": "0", "start": "0", "stop": "0", "delete": "", "delete all": "", "project": "", "tier": "", "no labels": "2",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			heads := make(chan http.Header, 1)
			base, _ := rawServer(t, func(c net.Conn) {
				r := textproto.NewReader(bufio.NewReader(c))
				if _, err := r.ReadLine(); err != nil {
					return
				}
				h, _ := r.ReadMIMEHeader()
				heads <- http.Header(h)
				fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
			})
			c, _ := newClient(t, base)
			if err := calls()[name](t.Context(), c); err != nil {
				t.Fatal(err)
			}
			h := <-heads
			if got := h.Get("Content-Length"); got != want || h.Get("Transfer-Encoding") != "" {
				t.Errorf("Content-Length %q, Transfer-Encoding %q; want %q and none", got, h.Get("Transfer-Encoding"), want)
			}
			if got := h.Get("Content-Type"); want == "0" && got != "" {
				t.Errorf("nothing has the type %q", got)
			}
		})
	}
}

// A redirect that keeps the method keeps the length too.
func TestRedirectedWithoutBody(t *testing.T) {
	t.Parallel()
	var lengths []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		lengths = append(lengths, fmt.Sprint(r.Header.Get("Content-Length"), r.TransferEncoding))
		if !strings.HasSuffix(r.URL.Path, "/x") {
			http.Redirect(w, r, r.URL.Path+"/x", http.StatusPermanentRedirect)
			return
		}
		fmt.Fprint(w, `{"id":"x","type":"y"}`)
	})
	c, _ := newClient(t, base)
	if err := calls()["create"](t.Context(), c); err != nil || fmt.Sprint(lengths) != "[0[] 0[]]" {
		t.Errorf("%v, lengths %q; want twice 0 and no chunks", err, lengths)
	}
}

// Following a deployment retries temporary failures; others end it.
func TestPassing(t *testing.T) {
	t.Parallel()
	const page = "<!doctype html><title>Sign in</title>"
	reply := func(status int, kind, body string) func(net.Conn) {
		return answer(fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, kind, len(body), body))
	}
	const asJSON, asPage = "application/json", "text/html"
	for name, tc := range map[string]struct {
		script func(net.Conn)
		want   bool
	}{
		"reset":                 {reset(10), true},
		"closed":                {closeAfter(10), true},
		"no HTTP":               {answer("SSH-2.0-OpenSSH\r\n\r\n"), true},
		"a page":                {reply(200, asPage, page), true},
		"a page that hides":     {reply(200, asJSON, page), true},
		"a page with 401":       {reply(401, asPage, page), true},
		"a page with 404":       {reply(404, asPage, page), true},
		"a page with 500":       {reply(500, asPage, page), true},
		"nothing with 500":      {reply(500, "text/plain", ""), false},
		"half a JSON":           {reply(200, asJSON, `{"status": "run`), true},
		"nothing":               {reply(200, asJSON, ""), true},
		"cut off":               {answer("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"status\":"), true},
		"a broken chunk":        {answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), true},
		"a redirect to nowhere": {answer("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"), true},
		"408":                   {reply(408, asJSON, `{}`), true},
		"429":                   {reply(429, asJSON, `{}`), true},
		"502":                   {reply(502, asJSON, `{}`), true},
		"503":                   {reply(503, asJSON, `{}`), true},
		"504":                   {reply(504, "text/plain", "late"), true},
		"520":                   {reply(520, "text/plain", "error code: 520"), true},
		"400":                   {reply(400, asJSON, `{"detail":"no"}`), false},
		"401":                   {reply(401, asJSON, `{"detail":"no"}`), false},
		"403":                   {reply(403, asJSON, `{"detail":"no"}`), false},
		"404":                   {reply(404, asJSON, `{"detail":"no"}`), false},
		"410":                   {reply(410, asJSON, `{"detail":"no"}`), false},
		"the platform's 500":    {reply(500, asJSON, `{"detail":"no"}`), false},
		"another JSON":          {reply(200, asJSON, `{"status": {}}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, _ := rawServer(t, tc.script)
			c, _ := newClient(t, base, func(o *Options) { o.Retries = -1 })
			_, err := c.Job(t.Context(), "j")
			var e *Error
			if !errors.As(err, &e) || e.Passing() != tc.want {
				t.Errorf("passes %v, want %v: %v", e != nil && e.Passing(), tc.want, err)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		c, _ := newClient(t, "http://127.0.0.1:1", func(o *Options) { o.Retries = -1 })
		_, err := c.Job(t.Context(), "j")
		var e *Error
		if !errors.As(err, &e) || !e.Passing() {
			t.Error(err)
		}
	})
	t.Run("timed out", func(t *testing.T) {
		t.Parallel()
		base, _ := rawServer(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		c, _ := newClient(t, base, func(o *Options) { o.Retries, o.Timeout = -1, time.Millisecond })
		_, err := c.Job(t.Context(), "j")
		var e *Error
		if !errors.As(err, &e) || !e.Passing() {
			t.Error(err)
		}
		over, end := context.WithCancel(t.Context())
		end()
		if _, err := c.Job(over, "j"); !errors.As(err, &e) || e.Passing() {
			t.Errorf("the end of the caller passes: %v", err)
		}
	})
	t.Run("a certificate", func(t *testing.T) {
		t.Parallel()
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		c, _ := newClient(t, s.URL, func(o *Options) { o.Retries = -1 })
		_, err := c.Job(t.Context(), "j")
		var e *Error
		if !errors.As(err, &e) || e.Passing() {
			t.Error(err)
		}
	})
}
