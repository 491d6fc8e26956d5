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

// receive waits for what a test needs to go on. That takes as long as it takes, but a test that waits in vain says for what.
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

// eventually waits until something is so that nobody tells of.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	for start := time.Now(); !isSo(); runtime.Gosched() {
		if time.Since(start) > patience {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// impatient is a connection of which no read takes for ever, however long the connection has been open.
type impatient struct{ net.Conn }

func (c impatient) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// socket is an open WebSocket, seen from the client. The reader may have buffered what came along with the answer.
type socket struct {
	io.Writer
	io.Reader
}

// hasEnded reports whether a read has failed because the other side has closed the connection, not because it has said
// nothing for long.
func hasEnded(err error) bool { return err != nil && !errors.Is(err, os.ErrDeadlineExceeded) }
