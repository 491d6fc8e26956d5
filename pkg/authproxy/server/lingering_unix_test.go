//go:build unix

package server

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// lingeringPair returns both ends of a connection that lingers within bounds.
func lingeringPair(t *testing.T, bounds lingering) (here *Conn, there *net.TCPConn) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := listener{plain, bounds}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(); _ = accepted.Close() })
	return accepted.(*Conn), c.(*net.TCPConn)
}

const patience = time.Minute

// sendAll writes until all is written, or the other side has cut the connection.
func sendAll(c *net.TCPConn, size int) error {
	chunk := make([]byte, 64<<10)
	for ; size > 0; size -= len(chunk) {
		if _, err := c.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

// A client that is still sending when the connection is closed here may finish, and reads the response afterwards.
func TestLinger(t *testing.T) {
	t.Parallel()
	here, there := lingeringPair(t, lingering{patience, patience, 1 << 30})
	reading := make(chan error, 1)
	go func() {
		buf := make([]byte, 1<<10)
		for {
			if _, err := here.Read(buf); err != nil {
				reading <- err
				return
			}
		}
	}()
	if _, err := io.WriteString(here, "response"); err != nil {
		t.Fatal(err)
	}
	here.Linger()
	if err := here.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-reading; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a reader here gets %v", err)
	}
	if err := sendAll(there, 20<<20); err != nil {
		t.Fatalf("cannot finish: %v", err)
	}
	if got, err := io.ReadAll(there); string(got) != "response" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// It ends: after silence, after some time however much comes, and after enough bytes.
func TestLingerEnds(t *testing.T) {
	t.Parallel()
	const soon = 20 * time.Millisecond
	for name, tc := range map[string]struct {
		bounds lingering
		sends  bool
	}{
		"silence": {lingering{soon, patience, 1 << 40}, false},
		"time":    {lingering{patience, soon, 1 << 40}, true},
		"bytes":   {lingering{patience, patience, 1 << 20}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := lingeringPair(t, tc.bounds)
			if tc.sends {
				sent := make(chan error)
				go func() { sent <- sendAll(there, 1<<40) }()
				defer func() {
					if err := <-sent; err == nil {
						t.Error("the client could send all")
					}
				}()
			}
			tc.bounds.drain(here.TCPConn)
			_ = there.SetDeadline(time.Now().Add(patience))
			if _, err := there.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read %v, want the end", err)
			}
		})
	}
}

// Without Linger the connection is gone at once.
func TestNoLinger(t *testing.T) {
	t.Parallel()
	here, there := lingeringPair(t, lingering{patience, patience, 1 << 40})
	_ = here.Close()
	_ = there.SetDeadline(time.Now().Add(patience))
	for chunk := make([]byte, 64<<10); ; {
		if _, err := there.Write(chunk); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("it is still open")
		} else if err != nil {
			return
		}
	}
}
