package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// inBubble serves one connection with a fake clock.
func inBubble(t *testing.T, f func(*testing.T, *memory, *bufio.ReadWriter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		a, err := New(m.options())
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		l := &listener{conns: make(chan net.Conn, 1), closed: make(chan struct{})}
		l.conns <- theirs
		s := server.Serve(l, server.Options{Handler: a, Now: time.Now})
		f(t, m, bufio.NewReadWriter(bufio.NewReader(ours), bufio.NewWriter(ours)))
		_ = ours.Close()
		s.Close()
		synctest.Wait()
	})
}

// listener accepts connections that it is given.
type listener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { close(l.closed); return nil }
func (l *listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// An upload may take as long as it likes while it makes progress.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pieces int
		size   int // bytes of a piece
		pause  time.Duration
		want   int
	}{
		"an hour":             {240, 100_000, 15 * time.Second, 200},
		"at once":             {1, 3, 0, 200},
		"stands still":        {2, 100_000, 31 * time.Second, 408},
		"a byte now and then": {100, 1, 10 * time.Second, 408},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, m *memory, conn *bufio.ReadWriter) {
				p, _ := deployed(t, m, ownerKey)
				head := "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.zip\"\r\n\r\nPK"
				tail := "\r\n--x--\r\n"
				fmt.Fprintf(conn, "POST /jobs/webservice/dash?project_id=%s HTTP/1.1\r\nHost: 127.0.0.1:8000\r\napi_key: %s\r\n"+
					"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n%s", p, ownerKey, len(head)+len(tail)+tc.pieces*tc.size, head)
				if err := conn.Flush(); err != nil {
					t.Fatal(err)
				}
				sent := make(chan struct{})
				go func() {
					defer close(sent)
					for range tc.pieces {
						time.Sleep(tc.pause)
						if _, err := io.WriteString(conn, strings.Repeat("x", tc.size)); err != nil {
							return
						}
						_ = conn.Flush() // the server may have given up
					}
					_, _ = io.WriteString(conn, tail)
					_ = conn.Flush() // as above
				}()
				resp, err := http.ReadResponse(conn.Reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				if resp.StatusCode != tc.want || err != nil {
					t.Errorf("status %d %s, %v; want %d", resp.StatusCode, body, err, tc.want)
				}
				<-sent
			})
		})
	}
}
