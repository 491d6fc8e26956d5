package upstream

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fromBytes is a conn whose app has sent b and closed the connection. Only reading works.
func fromBytes(b []byte) *conn {
	c := &conn{reads: newBuffers(readSize), names: new(names)}
	c.Conn = &readConn{r: bytes.NewReader(b)}
	return c
}

// FuzzAnswer compares with the standard library: what we take for a response it takes for the same answer, with
// the same body. The reverse need not be: we refuse more.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.0 200\r\n\r\nuntil the end", "HTTP/1.1 200 OK\nA:b\n\nok",
		"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close, X-A\r\nX-A: 1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0002;a=b\r\nok\r\n0\r\n\r\n", "\r\n\r\n", "",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	d := NewDirect(time.Now)
	f.Fuzz(func(t *testing.T, b []byte, isHead bool) {
		method := http.MethodGet
		if isHead {
			method = http.MethodHead
		}
		c := fromBytes(b)
		h, err := c.readHeader(method)
		if err != nil || h.code < 200 {
			return
		}
		std, stdErr := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), &http.Request{Method: method})
		if stdErr != nil {
			if len(h.fields) > 0 && strings.Contains(stdErr.Error(), "malformed MIME header") {
				return // it refuses some names that are tokens, and empty ones after trimming
			}
			t.Fatalf("we take %q for an answer, the standard library says %v", b, stdErr)
		}
		defer std.Body.Close()
		if std.StatusCode != h.code {
			t.Fatalf("%q: status %d, the standard library reads %d", b, h.code, std.StatusCode)
		}
		w := httptest.NewRecorder()
		err = d.copyBody(w, c, h)
		body, stdErr := io.ReadAll(std.Body)
		if err == nil && (stdErr != nil || w.Body.String() != string(body)) {
			t.Fatalf("%q: body %q, the standard library reads %q, %v", b, w.Body, body, stdErr)
		}
		if !strings.HasPrefix(string(body), w.Body.String()) && stdErr == nil {
			t.Fatalf("%q: body begins with %q, the standard library reads %q", b, w.Body, body)
		}
	})
}

func FuzzChunkSize(f *testing.F) {
	for _, s := range []string{"0", "a;x=y", "FFFFFFFFFFFFFFF", "1 ", "", "-1", "0x1", "1_0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := parseChunkSize(s); err == nil && n < 0 {
			t.Errorf("parseChunkSize(%q) = %d", s, n)
		}
	})
}

// readConn is a net.Conn of which only Read is there.
type readConn struct {
	net.Conn
	r io.Reader
}

func (c *readConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// FuzzRequestWriter has net/http read what is written: each part must arrive as it was given, and nothing besides.
func FuzzRequestWriter(f *testing.F) {
	f.Add("GET", "/a%20b?c=%", "example.com:80", "X-A", " b\t", "", int64(0))
	f.Add("POST", "/", "[::1]", "accept", "a, b", "", int64(-1))
	f.Add("PUT", "//x", "h", "X", "", "", int64(12))
	f.Add("GET", "/", "h", "X", "\x80", "websocket", int64(0))
	f.Add("GET / HTTP/1.1\r\nX", "/", "h\r\nX: y", "X: a\r\nY", "a\r\nb", "a b", int64(1))
	f.Fuzz(func(t *testing.T, method, target, host, name, value, protocol string, length int64) {
		w := requestWriter{}
		w.line(method, target, host)
		w.field(name, value)
		if protocol != "" {
			w.upgrade(protocol)
		} else {
			w.body(max(length, -1))
		}
		wire, err := w.end()
		if err != nil {
			if len(wire) > 0 {
				t.Fatalf("%q in spite of %v", wire, err)
			}
			return
		}
		br := bufio.NewReader(bytes.NewReader(wire))
		r, err := http.ReadRequest(br)
		if err != nil {
			t.Fatalf("%q: %v", wire, err)
		}
		want := http.Header{}
		want.Add(name, strings.Trim(value, " \t"))
		switch {
		case protocol != "":
			want.Add("Connection", "Upgrade")
			want.Add("Upgrade", protocol)
		case length >= 0:
			want.Add("Content-Length", strconv.FormatInt(length, 10))
		}
		if r.Method != method || r.RequestURI != target || r.Host != host || !reflect.DeepEqual(r.Header, want) {
			t.Fatalf("%q is read as %s %s, host %q, %v; want %v", wire, r.Method, r.RequestURI, r.Host, r.Header, want)
		}
		if protocol == "" && r.ContentLength != max(length, -1) || len(r.TransferEncoding) > 0 != (protocol == "" && length < 0) {
			t.Fatalf("%q: length %d, encoding %v", wire, r.ContentLength, r.TransferEncoding)
		}
		if n := br.Buffered(); n > 0 {
			t.Fatalf("%q: %d bytes are left", wire, n)
		}
	})
}
