package authproxy_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"
)

// receive waits for a value. A test that waits in vain fails, and says for what.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// send is receive in the other direction.
func send[T any](t *testing.T, to chan<- T, v T, what string) {
	t.Helper()
	select {
	case to <- v:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}

// eventually waits for a condition that no channel reports.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	for start := time.Now(); !isSo(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// deadlineConn is a connection of which each read fails after patience.
type deadlineConn struct{ net.Conn }

func (c deadlineConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// socket is the client's side of an open WebSocket. The reader may have buffered what came with the response.
type socket struct {
	io.Writer
	io.Reader
}

// hasEnded reports whether a read has failed because the connection was closed, not because it timed out.
func hasEnded(err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }
