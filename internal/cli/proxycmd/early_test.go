//go:build unix

package proxycmd

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// Who is still sending when the answer comes reads that answer afterwards, with TLS and without: a login that is missing,
// and an app that wants no more (security class 14).
func TestEarlyAnswersArrive(t *testing.T) {
	t.Parallel()
	app := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	}
	for name, encrypted := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pool *x509.CertPool
			w := start(t, app, login, func(o *Options) {
				if encrypted {
					o.TLSCert, o.TLSKey, pool = certify(t, t.TempDir(), "right", time.Now().Add(time.Hour))
				}
			})
			for _, chunked := range []bool{false, true} {
				for head, want := range map[string]int{
					"POST / HTTP/1.1\r\n": http.StatusUnauthorized,
					"POST /large HTTP/1.1\r\nAuthorization: Basic YW5uOmZpcnN0LXBhc3N3b3Jk\r\n": http.StatusRequestEntityTooLarge,
				} {
					got, err := upload(w.public, pool, head, chunked)
					if err != nil || got != want {
						t.Errorf("%q, chunked %v: %d, %v; want %d", head, chunked, got, err, want)
					}
				}
			}
		})
	}
}

// upload sends a request with a large body to its end, and only then reads the answer.
func upload(address string, pool *x509.CertPool, head string, chunked bool) (int, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if pool != nil {
		c = tls.Client(c, &tls.Config{RootCAs: pool, ServerName: "localhost"})
	}
	const pieces, size = 480, 64 << 10 // 30 MB
	piece, end := string(make([]byte, size)), ""
	if chunked {
		head += "Transfer-Encoding: chunked\r\n"
		piece, end = fmt.Sprintf("%x\r\n%s\r\n", size, piece), "0\r\n\r\n"
	} else {
		head += fmt.Sprintf("Content-Length: %d\r\n", pieces*size)
	}
	_, err = io.WriteString(c, head+"Host: localhost\r\n\r\n")
	for i := 0; i < pieces && err == nil; i++ {
		_, err = io.WriteString(c, piece)
	}
	if err == nil {
		_, err = io.WriteString(c, end)
	}
	if err != nil {
		return 0, errors.Join(errors.New("the connection was cut"), err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
