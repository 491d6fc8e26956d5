package upstream

import (
	"fmt"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// requestWriter writes the request line and the headers of a request. It cannot write anything that is not valid, or that
// two servers could read differently: each part is checked, and after the first error nothing comes out of it.
type requestWriter struct {
	buf []byte
	err error
}

func (w *requestWriter) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// line writes the request line and the Host header. target must be in origin form.
func (w *requestWriter) line(method, target, host string) {
	switch {
	case !ValidMethod(method):
		w.fail("method is not a token")
	case target == "" || target[0] != '/':
		w.fail("target is not in origin form")
	case !isWord(target) || !isWord(host) || host == "":
		w.fail("target or host holds a space or a control character")
	case !escapesPath(target):
		w.fail("target holds an invalid escape")
	}
	w.buf = append(w.buf, method...)
	w.buf = append(w.buf, ' ')
	w.buf = append(w.buf, target...)
	w.buf = append(w.buf, " HTTP/1.1\r\nHost: "...)
	w.buf = append(w.buf, host...)
	w.buf = append(w.buf, "\r\n"...)
}

// field writes one header that says nothing about the connection or the body. White space around the value is left out.
func (w *requestWriter) field(name, value string) {
	value = trimSpace(value)
	switch {
	case !isToken(name):
		w.fail("header name is not a token")
	case isConnectionHeader(textproto.CanonicalMIMEHeaderKey(name)):
		w.fail("header %s is written by upgrade or body", name)
	case !httpguts.ValidHeaderFieldValue(value):
		w.fail("header %s holds a control character", name)
	}
	w.write(name, value)
}

// upgrade asks for another protocol.
func (w *requestWriter) upgrade(protocol string) {
	if !isToken(protocol) {
		w.fail("protocol to upgrade to is not a token")
	}
	w.write("Connection", "Upgrade")
	w.write("Upgrade", protocol)
}

// body announces a body of so many bytes, or chunks for -1.
func (w *requestWriter) body(length int64) {
	if length < 0 {
		w.write("Transfer-Encoding", "chunked")
		return
	}
	w.buf = append(w.buf, "Content-Length: "...)
	w.buf = strconv.AppendInt(w.buf, length, 10)
	w.buf = append(w.buf, "\r\n"...)
}

func (w *requestWriter) write(name, value string) {
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, ": "...)
	w.buf = append(w.buf, value...)
	w.buf = append(w.buf, "\r\n"...)
}

// end returns what has been written.
func (w *requestWriter) end() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return append(w.buf, "\r\n"...), nil
}

// trimSpace removes optional white space (RFC 9110, section 5.6.3). strings.Trim makes a set of it at each call, for a dozen
// headers in every request.
func trimSpace(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// escapesPath reports whether each % in the path of a target is followed by two hexadecimal digits.
func escapesPath(target string) bool {
	path, _, _ := strings.Cut(target, "?")
	for {
		_, rest, found := strings.Cut(path, "%")
		if !found {
			return true
		}
		if len(rest) < 2 || !isHex(rest[0]) || !isHex(rest[1]) {
			return false
		}
		path = rest[2:]
	}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// ValidMethod reports whether a request method is a token (RFC 9110, sections 5.6.2 and 9.1). net/http checks that on
// HTTP/1 only: over HTTP/2 a method may hold spaces, and so a second request line.
func ValidMethod(method string) bool { return isToken(method) }

// isWord reports whether s stays one word of a request line or header, whatever the app splits those at.
func isWord(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// isConnectionHeader names the headers that speak of one connection or that we write ourselves.
func isConnectionHeader(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Expect", "Host", "Http2-Settings", "Keep-Alive", "Proxy-Authenticate",
		"Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}
