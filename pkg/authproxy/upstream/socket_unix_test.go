//go:build unix

package upstream

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// counted is a socket as a server may wrap it.
type counted struct{ *net.TCPConn }

func TestLazyReader(t *testing.T) {
	t.Parallel()
	to := rawApp(t, func(c net.Conn, _ *bufio.Reader, _ int) {
		time.Sleep(5 * time.Millisecond) // so that the reader has to wait in most runs
		_, _ = io.WriteString(c, "hello")
	})
	for name, wrap := range map[string]func(*net.TCPConn) net.Conn{
		"plain":   func(c *net.TCPConn) net.Conn { return c },
		"wrapped": func(c *net.TCPConn) net.Conn { return counted{c} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", to.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			read := lazyReader(wrap(c.(*net.TCPConn)), newBuffers())
			if read == nil {
				t.Fatal("not taken for a socket")
			}
			got := ""
			for {
				buf, n, err := read()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got += string((*buf)[:n])
			}
			if got != "hello" {
				t.Errorf("%q", got)
			}
		})
	}
	if lazyReader(tls.Client(nil, &tls.Config{MinVersion: tls.VersionTLS13}), newBuffers()) != nil {
		t.Error("reads an encrypted connection as if it were plain")
	}
}
