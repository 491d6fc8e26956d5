package upstream

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// BenchmarkForward compares the two ways to the app. The app answers from memory, so that what is measured is the
// proxy, the client's write and read, and the kernel.
func BenchmarkForward(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		for name, open := range map[string]func() forwarder{
			"direct":  func() forwarder { return NewDirect(time.Now) },
			"reverse": func() forwarder { return NewReverse() },
		} {
			b.Run(fmt.Sprintf("%s/%dKB", name, size>>10), func(b *testing.B) {
				f, to := open(), benchApp(b, size)
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				spy := newSpy()
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if err := f.Forward(w, r, to, spy); err != nil {
						b.Error(err)
					}
				})}
				go func() { _ = server.Serve(l) }()
				b.Cleanup(func() { _ = server.Close(); f.Close() })
				b.ReportAllocs()
				b.SetBytes(int64(size))
				b.RunParallel(func(pb *testing.PB) { benchClient(b, pb, l.Addr().String(), size) })
			})
		}
	}
}

func benchApp(b *testing.B, size int) Target {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	answer := append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nEtag: \"x\"\r\n\r\n", size), bytes.Repeat([]byte("x"), size)...)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf, seen := make([]byte, 8<<10), 0
				for {
					n, err := c.Read(buf[seen:])
					if err != nil {
						return
					}
					if seen += n; bytes.HasSuffix(buf[:seen], []byte("\r\n\r\n")) {
						seen = 0
						if _, err := c.Write(answer); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	return Target{Address: l.Addr().String()}
}

func benchClient(b *testing.B, pb *testing.PB, address string, size int) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	br := bufio.NewReaderSize(c, 64<<10)
	request := []byte("GET /some/path?with=query HTTP/1.1\r\nHost: app.example\r\nUser-Agent: bench\r\nAccept: */*\r\nCookie: a=b; c=d\r\n\r\n")
	for pb.Next() {
		if _, err := c.Write(request); err != nil {
			b.Error(err)
			return
		}
		for {
			line, err := br.ReadSlice('\n')
			if err != nil {
				b.Error(err)
				return
			}
			if len(line) == 2 {
				break
			}
		}
		if n, err := io.CopyN(io.Discard, br, int64(size)); err != nil || n != int64(size) {
			b.Error(n, err)
			return
		}
	}
}
