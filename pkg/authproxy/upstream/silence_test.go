package upstream

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// A connection is not used again after a response behind which apps are known to send a body that is not allowed: it may
// come only when the next client's answer is awaited, and would be taken for that.
func TestLateBodyReachesNobody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, head string
		again        bool
	}{
		"HEAD":                {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", false},
		"HEAD, no length":     {"HEAD", "HTTP/1.1 200 OK\r\n\r\n", false},
		"HEAD, chunked":       {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false},
		"HEAD, 304":           {"HEAD", "HTTP/1.1 304 Not Modified\r\n\r\n", false},
		"204":                 {"GET", "HTTP/1.1 204 No Content\r\n\r\n", false},
		"204 with keep-alive": {"GET", "HTTP/1.1 204 No Content\r\nConnection: keep-alive\r\n\r\n", false},
		"304 with a length":   {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n", false},
		"304, chunked":        {"GET", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", false},
		"nothing":             {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := NewDirect(time.Now)
			t.Cleanup(f.Close)
			connections := make(chan int, 10)
			to := rawApp(t, func(c net.Conn, br *bufio.Reader, n int) {
				for {
					if _, err := http.ReadRequest(br); err != nil {
						return
					}
					connections <- n
					if n > 0 {
						_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
						return
					}
					_, _ = io.WriteString(c, tc.head)
				}
			})
			server := front(t, f, to, newSpy())
			for range 2 {
				if _, _, err := do(t, tc.method, server.URL, nil); err != nil {
					t.Fatal(err)
				}
			}
			if <-connections; (<-connections == 0) != tc.again {
				t.Errorf("used again: %v", !tc.again)
			}
		})
	}
}
