package authproxy_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// BenchmarkProxy measures the whole way of a request: 1 KB over kept connections, the credential looked at each time.
// "app alone" is the same without the proxy, which is what the two others have in common.
func BenchmarkProxy(b *testing.B) {
	app := benchApp(b)
	p, err := authproxy.New(mainApp(), authproxy.Options{Upstream: "http://" + app, Now: time.Now, Random: rand.Reader, BcryptCost: bcrypt.MinCost})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := server.Serve(l, server.Options{Handler: p, Now: time.Now, ConnContext: authproxy.ConnContext})
	b.Cleanup(func() { _ = p.Close(); s.Close() })

	r, _ := http.NewRequest("GET", "http://"+l.Addr().String(), nil)
	r.SetBasicAuth(user, pass)
	in, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	_ = in.Body.Close()
	cookie := "Cookie: a=b; ploomber_session=" + reply{Response: in}.cookie("ploomber_session").Value
	for name, tc := range map[string]struct{ address, header string }{
		"session":   {l.Addr().String(), cookie},
		"basic":     {l.Addr().String(), asBasic(user, pass)},
		"app alone": {app, cookie},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) { benchClient(b, pb, tc.address, tc.header) })
		})
	}
}

const benchBody = 1 << 10

func benchApp(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", benchBody, strings.Repeat("x", benchBody))
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
	return l.Addr().String()
}

func benchClient(b *testing.B, pb *testing.PB, address, header string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	br := bufio.NewReaderSize(c, 16<<10)
	request := []byte("GET /some/path?with=query HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: bench\r\nAccept: */*\r\n" + header + "\r\n\r\n")
	for pb.Next() {
		if _, err := c.Write(request); err != nil {
			b.Error(err)
			return
		}
		status, err := br.ReadString('\n')
		if err != nil || !strings.Contains(status, "200") {
			b.Error(status, err)
			return
		}
		for line := []byte("."); len(line) != 2; {
			if line, err = br.ReadSlice('\n'); err != nil {
				b.Error(err)
				return
			}
		}
		if _, err := io.CopyN(io.Discard, br, benchBody); err != nil {
			b.Error(err)
			return
		}
	}
}
