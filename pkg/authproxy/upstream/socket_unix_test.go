//go:build unix

package upstream

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
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
			read := lazyReader(wrap(c.(*net.TCPConn)), newBuffers(copySize))
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
	if lazyReader(tls.Client(nil, &tls.Config{MinVersion: tls.VersionTLS13}), newBuffers(copySize)) != nil {
		t.Error("reads an encrypted connection as if it were plain")
	}
}

// What does not fit into the socket at once is written when the other side takes it; a write ends with its connection.
func TestEagerWriter(t *testing.T) {
	t.Parallel()
	const size = 64 << 20 // more than a socket takes at once
	for name, tc := range map[string]struct {
		app  func(c net.Conn)
		end  func(c net.Conn)
		want error
	}{
		"all is taken": {app: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }},
		"closes":       {app: func(c net.Conn) { _, _ = io.ReadFull(c, make([]byte, 1<<20)); _ = c.Close() }, want: syscall.ECONNRESET},
		"closed":       {app: func(net.Conn) {}, end: func(c net.Conn) { _ = c.Close() }, want: net.ErrClosed},
		"deadline":     {app: func(net.Conn) {}, end: func(c net.Conn) { _ = c.SetDeadline(time.Unix(1, 0)) }, want: os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			to := rawApp(t, func(c net.Conn, _ *bufio.Reader, _ int) {
				tc.app(c)
				<-done // where it is still open, it stays so
			})
			t.Cleanup(func() { close(done) })
			c, err := net.Dial("tcp", to.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			write := eagerWriter(counted{c.(*net.TCPConn)})
			if err := write([]byte("a little")); err != nil {
				t.Fatal(err)
			}
			if tc.end != nil {
				time.AfterFunc(10*time.Millisecond, func() { tc.end(c) }) // in most runs while it waits
			}
			err = write(make([]byte, size))
			if errors.Is(err, syscall.EPIPE) { // the end was noticed in between
				err = syscall.ECONNRESET
			}
			if !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
	if eagerWriter(tls.Client(nil, &tls.Config{MinVersion: tls.VersionTLS13})) != nil {
		t.Error("writes to an encrypted connection as if it were plain")
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	const request, answer = "ping", "pong"
	long := strings.Repeat("x", 64<<20) // more than a socket takes at once
	echo := func(c net.Conn) {
		if _, err := io.ReadFull(c, make([]byte, len(request))); err == nil {
			time.Sleep(5 * time.Millisecond) // so that the asker has to wait in most runs
			_, _ = io.WriteString(c, answer)
		}
	}
	for name, tc := range map[string]struct {
		app          func(c net.Conn)
		before       bool // the app comes first
		mustBeSilent bool
		wire         string
		all          bool // of wire was written
		want         string
		err          error
	}{
		"silent":                    {app: echo, mustBeSilent: true, wire: request, all: true, want: answer},
		"unsolicited":               {app: func(c net.Conn) { _, _ = io.WriteString(c, "!") }, before: true, mustBeSilent: true, wire: request, err: errUnsolicitedData},
		"closed":                    {app: func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }, before: true, mustBeSilent: true, wire: request, err: errUnsolicitedData},
		"unsolicited, on a new one": {app: func(c net.Conn) { _, _ = io.WriteString(c, "!") }, before: true, wire: request, all: true, want: "!"},
		"closed, on a new one":      {app: func(c net.Conn) { _ = c.(*net.TCPConn).CloseWrite() }, before: true, wire: request, all: true},
		"closes when asked":         {app: func(c net.Conn) { _, _ = c.Read(make([]byte, 100)); _ = c.Close() }, mustBeSilent: true, wire: request, all: true},
		"more than fits at once":    {app: func(net.Conn) {}, mustBeSilent: true, wire: long},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			came, done := make(chan struct{}), make(chan struct{})
			to := rawApp(t, func(c net.Conn, _ *bufio.Reader, _ int) {
				tc.app(c)
				close(came)
				<-done // the connection stays open
			})
			t.Cleanup(func() { close(done) })
			c, err := net.Dial("tcp", to.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s, buf := newSocket(c), make([]byte, 100)
			s.readBuffer = func() []byte { return buf }
			if tc.before {
				<-came
				for s.silent() { // until it has arrived
					time.Sleep(time.Millisecond)
				}
			}
			written, n, err := s.ask([]byte(tc.wire), tc.mustBeSilent)
			if !errors.Is(err, tc.err) || (written == len(tc.wire)) != tc.all || string(buf[:n]) != tc.want {
				t.Errorf("wrote %d of %d, read %q, %v; want all %v, %q, %v", written, len(tc.wire), buf[:n], err, tc.all, tc.want, tc.err)
			}
		})
	}
}
