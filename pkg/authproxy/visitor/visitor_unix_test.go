//go:build unix

package visitor_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/visitor"
)

// pair returns both ends of a connection.
func pair(t *testing.T) (here *visitor.Conn, there *net.TCPConn) {
	t.Helper()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := visitor.Listen(plain)
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
	return accepted.(*visitor.Conn), c.(*net.TCPConn)
}

func TestGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		do   func(here *visitor.Conn, there *net.TCPConn) error
		gone bool
	}{
		"open":    {do: func(*visitor.Conn, *net.TCPConn) error { return nil }},
		"speaks":  {do: func(_ *visitor.Conn, there *net.TCPConn) error { _, err := io.WriteString(there, "x"); return err }},
		"closed":  {do: func(_ *visitor.Conn, there *net.TCPConn) error { return there.Close() }, gone: true},
		"ended":   {do: func(_ *visitor.Conn, there *net.TCPConn) error { return there.CloseWrite() }, gone: true},
		"by us":   {do: func(here *visitor.Conn, _ *net.TCPConn) error { return here.Close() }, gone: true},
		"reset":   {do: func(_ *visitor.Conn, there *net.TCPConn) error { _ = there.SetLinger(0); return there.Close() }, gone: true},
		"replies": {do: func(here *visitor.Conn, _ *net.TCPConn) error { _, err := io.WriteString(here, "x"); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there := pair(t)
			if err := tc.do(here, there); err != nil {
				t.Fatal(err)
			}
			for tc.gone && !here.Gone() { // until word of it has arrived
				time.Sleep(time.Millisecond)
			}
			if here.Gone() != tc.gone {
				t.Errorf("gone is %v", here.Gone())
			}
		})
	}
}

// A reader that blocks on the same connection is no hindrance.
func TestGoneBesideRead(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	read := make(chan error, 1)
	go func() {
		_, err := here.Read(make([]byte, 10))
		read <- err
	}()
	if here.Gone() {
		t.Error("gone while it is read")
	}
	_ = there.Close()
	if err := <-read; !errors.Is(err, io.EOF) {
		t.Errorf("read %v", err)
	}
}

// One byte is not waited for, but it is not lost either.
func TestReadOfOneByte(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	here.Watch(func() {})
	one := make([]byte, 1)
	for range 3 {
		if n, err := here.Read(one); n != 0 || err != nil {
			t.Fatalf("%d, %v from who says nothing", n, err)
		}
		if _, err := io.WriteString(there, "abc"); err != nil {
			t.Fatal(err)
		}
		if n, err := here.Read(one); n != 1 || one[0] != 'a' || err != nil {
			t.Fatalf("%q, %d, %v; want a", one, n, err)
		}
		rest := make([]byte, 2)
		if _, err := io.ReadFull(here, rest); string(rest) != "bc" || err != nil {
			t.Fatalf("%q, %v; want bc", rest, err)
		}
	}
}

// Who watches is told when the connection is closed here.
func TestClose(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	closed := false
	here.Watch(func() { closed = true })
	if err := here.Close(); err != nil || !closed {
		t.Errorf("%v, told %v", err, closed)
	}
	if _, err := there.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the other side: %v", err)
	}
}

// Nobody watches: it is an ordinary connection.
func TestReadUnwatched(t *testing.T) {
	t.Parallel()
	here, there := pair(t)
	if _, err := io.WriteString(there, "ab"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []byte("ab") {
		one := make([]byte, 1)
		if n, err := here.Read(one); n != 1 || one[0] != want || err != nil {
			t.Errorf("%q, %d, %v; want %c", one, n, err, want)
		}
	}
}
