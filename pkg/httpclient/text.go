package httpclient

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"
)

// IsWebPage reports, by a response's Content-Type or the start of its body, whether it is a web page, such as the
// login page of a network that answers in the server's place.
func IsWebPage(h http.Header, start []byte) bool {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	if kind == "text/html" || kind == "application/xhtml+xml" {
		return true
	}
	text := bytes.ToLower(bytes.TrimSpace(bytes.TrimPrefix(start[:min(len(start), 512)], []byte("\ufeff"))))
	return bytes.HasPrefix(text, []byte("<!doctype html")) || bytes.HasPrefix(text, []byte("<html"))
}

// Inner returns the error in a *url.Error of http.Client, whose text repeats the method and the whole URL.
func Inner(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) {
		return outer.Err
	}
	return err
}

// Reason is the text of an error of net/http without the names of the packages that it went through.
func Reason(err error) string {
	s := strings.ReplaceAll(err.Error(), "net/http: ", "")
	return strings.TrimPrefix(strings.TrimPrefix(s, "HTTP/1.x transport connection broken: "), "http: ")
}

// IsLost reports whether a connection broke, or was never established, as opposed to an invalid response.
func IsLost(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op)
}

// OneLine makes external text fit for a message: each run of white space and non-printable characters (control
// characters, marks that change the direction of writing) becomes one space, and the text is cut after limit
// characters.
func OneLine(s string, limit int) string {
	var b strings.Builder
	gap, n := false, 0
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			gap = n > 0
			continue
		}
		if n >= limit {
			b.WriteRune('…')
			break
		}
		if gap {
			b.WriteByte(' ')
			n++
		}
		b.WriteRune(r)
		gap = false
		n++
	}
	return b.String()
}
