package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// noise is n bytes that do not repeat.
func noise(n int) []byte {
	var seed [32]byte
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// onlyReader hides everything but Read, so that a client does not know the length.
type onlyReader struct{ io.Reader }

func TestBodiesArriveWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		to := appServer(t, func(w http.ResponseWriter, r *http.Request) {
			sum := sha256.New()
			n, err := io.Copy(sum, r.Body)
			fmt.Fprintf(w, "%s %d %d %v %x", r.Method, r.ContentLength, n, err, sum.Sum(nil))
		})
		server := front(t, f, to, newSpy())
		for _, size := range []int{0, 1, 100, smallBody, smallBody + 1, 100_000, 3 << 20} {
			data := noise(size)
			for _, known := range []bool{true, false} {
				length := size
				var body io.Reader = bytes.NewReader(data)
				if !known {
					body, length = onlyReader{body}, -1
				}
				answer, got, err := do(t, "POST", server.URL, body)
				want := fmt.Sprintf("POST %d %d <nil> %x", length, size, sha256.Sum256(data))
				if err != nil || answer.StatusCode != 200 || got != want {
					t.Errorf("%d bytes, length known %v: %q, %v; want %q", size, known, got, err, want)
				}
			}
		}
	})
}

func TestDownloadsArriveWhole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		data := noise(3 << 20)
		to := appServer(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/sized" {
				w.Header().Set("Content-Length", fmt.Sprint(len(data)))
			}
			_, _ = w.Write(data)
		})
		server := front(t, f, to, newSpy())
		for range 2 {
			for _, path := range []string{"/sized", "/chunked"} {
				answer, got, err := do(t, "GET", server.URL+path, nil)
				if err != nil || answer.StatusCode != 200 || got != string(data) {
					t.Errorf("%s: %d bytes, %v", path, len(got), err)
				}
			}
		}
	})
}

// What the app sends in pieces arrives in pieces (server-sent events), before the app goes on.
func TestStreamIsNotBuffered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		for name, head := range map[string]string{
			"chunked":       "Transfer-Encoding: chunked\r\n",
			"until the end": "Connection: close\r\n",
			"sized":         "Content-Length: 24\r\n",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				next := make(chan struct{})
				to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
					if _, err := http.ReadRequest(br); err != nil {
						return
					}
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"+head+"\r\n")
					for i := range 3 {
						event := fmt.Sprintf("data: %d\n", i)
						if name == "chunked" {
							event = fmt.Sprintf("%x\r\n%s\r\n", len(event), event)
						}
						_, _ = io.WriteString(c, event)
						<-next
					}
					if name == "chunked" {
						_, _ = io.WriteString(c, "0\r\n\r\n")
					}
				})
				server := front(t, f, to, newSpy())
				client := http.Client{Transport: newTransport(t)}
				answer, err := client.Get(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer answer.Body.Close()
				lines := bufio.NewReader(answer.Body)
				for i := range 3 {
					line, err := lines.ReadString('\n')
					if want := fmt.Sprintf("data: %d\n", i); line != want {
						t.Fatalf("event %q, %v; want %q", line, err, want)
					}
					next <- struct{}{}
				}
			})
		}
	})
}

// The header of a stream arrives before its first event: a browser takes the stream for open only then.
func TestStreamHeadIsNotBuffered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		end := make(chan struct{})
		to := appServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-end
		})
		client := http.Client{Transport: newTransport(t)}
		answer, err := client.Get(front(t, f, to, newSpy()).URL)
		close(end)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
	})
}

// A client who goes away ends the request at the app.
func TestClientDisconnects(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		begun, ended := make(chan struct{}), make(chan struct{})
		to := appServer(t, func(_ http.ResponseWriter, r *http.Request) {
			close(begun)
			<-r.Context().Done()
			close(ended)
		})
		server := front(t, f, to, newSpy())
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-begun; cancel() }()
		r, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
		if answer, err := newTransport(t).RoundTrip(r); !errors.Is(err, context.Canceled) {
			t.Errorf("err = %v", err)
			_ = answer.Body.Close()
		}
		<-ended
	})
}

// A body that breaks off must not look whole to the app.
func TestUploadBreaksOff(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		for name, head := range map[string]string{
			"sized":   "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 50_000),
			"chunked": "Transfer-Encoding: chunked\r\n\r\n186a0\r\n" + strings.Repeat("x", 50_000),
			"small":   "Content-Length: 100\r\n\r\nhello",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := make(chan error, 1)
				to := appServer(t, func(_ http.ResponseWriter, r *http.Request) {
					_, err := io.Copy(io.Discard, r.Body)
					got <- err
				})
				server := front(t, f, to, newSpy())
				conn, err := net.Dial("tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s", head)
				time.Sleep(20 * time.Millisecond) // so that the header has reached the app in most runs
				_ = conn.Close()
				limit := patience
				if name == "small" { // never leaves the proxy unless it is whole
					limit = 200 * time.Millisecond
				}
				select {
				case err := <-got:
					if err == nil {
						t.Error("the app took the part for the whole")
					}
				case <-time.After(limit):
					if name != "small" {
						t.Error("the app did not notice")
					}
				}
			})
		}
	})
}

// A client cannot hold a connection for ever by sending nothing of a body.
func TestSlowUpload(t *testing.T) {
	t.Parallel()
	late := NewDirect(func() time.Time { return time.Now().Add(-bodyPause) })
	t.Cleanup(late.Close)
	for name, head := range map[string]string{
		"small": "Content-Length: 10\r\n\r\nx", "sized": "Content-Length: 100000\r\n\r\nx", "chunked": "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := appServer(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
			server := front(t, late, to, newSpy())
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\n%s", head)
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusBadGateway {
				t.Errorf("status %d", answer.StatusCode)
			}
		})
	}
}

// A client that waits to be asked for its body (curl does) is asked only when the app wants it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		to := appServer(t, func(w http.ResponseWriter, r *http.Request) {
			n, err := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%d %v", n, err)
		})
		for _, size := range []int{10, 100_000} {
			transport := newTransport(t)
			transport.ExpectContinueTimeout = patience
			r, _ := http.NewRequestWithContext(context.Background(), "PUT", front(t, f, to, newSpy()).URL, bytes.NewReader(noise(size)))
			r.Header.Set("Expect", "100-continue")
			answer, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if want := fmt.Sprintf("%d <nil>", size); string(body) != want {
				t.Errorf("%q, want %q", body, want)
			}
		}
	})
}

// An app may respond before it has read the body, and close the connection. (Behind ReverseProxy the server waits for the body.)
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		_, _ = io.ReadFull(r.Body, make([]byte, 1000))
		_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!")
		_, _ = br.Peek(1 << 20) // until the proxy closes
	})
	server := front(t, f, to, newSpy())
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n%s", strings.Repeat("x", 20_000))
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 413 {
		t.Errorf("status %d", answer.StatusCode)
	}
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "no!" {
		t.Errorf("%q, %v", body, err)
	}
}

// Request and answer may flow at the same time. (ReverseProxy leaves that to its caller.)
func TestBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	to := appServer(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.EnableFullDuplex()
		lines := bufio.NewReader(r.Body)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			_, _ = io.WriteString(w, "echo "+line)
			_ = control.Flush()
		}
	})
	server := front(t, f, to, newSpy())
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	for i, word := range []string{"one", "two", "three"} {
		if i > 0 {
			fmt.Fprintf(conn, "%x\r\n%s\n\r\n", len(word)+1, word)
		}
		if line, err := lines.ReadString('\n'); line != "echo "+word+"\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	fmt.Fprint(conn, "0\r\n\r\n")
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// Every client gets the response to the own request.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f forwarder) {
		to := appServer(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if len(body)%3 == 0 {
				w.Header().Set("Connection", "close")
			}
			fmt.Fprintf(w, "%s %s", r.RequestURI, body)
		})
		server := front(t, f, to, newSpy())
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for j := range 25 {
					path, body := fmt.Sprintf("/%d/%d?x=%%2f", i, j), strings.Repeat("b", i*j*7)
					_, got, err := do(t, "POST", server.URL+path, strings.NewReader(body))
					if err != nil || got != path+" "+body {
						t.Errorf("%s: %.60q, %v", path, got, err)
					}
				}
			})
		}
		wg.Wait()
	})
}

// What reaches the app of a request: the target as it is, the host, no header of the connection.
func TestRequestHead(t *testing.T) {
	t.Parallel()
	f := NewDirect(time.Now)
	t.Cleanup(f.Close)
	heads := make(chan string, 1)
	to := rawApp(t, func(c net.Conn, br *bufio.Reader, _ int) {
		var head strings.Builder
		for {
			line, err := br.ReadString('\n')
			if err != nil {
				return
			}
			if line == "\r\n" {
				break
			}
			head.WriteString(line)
		}
		heads <- head.String()
		_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
	})
	server := front(t, f, to, newSpy())
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "DELETE /a%2Fb/%7e?q=%zz&%20 HTTP/1.1\r\nHost: app.example:81\r\nX-Keep: 1\r\nx-keep: 2\r\n"+
		"Te: trailers\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nExpect: 100-continue\r\n\r\n")
	got := <-heads
	first, rest, _ := strings.Cut(got, "\r\n")
	if first != "DELETE /a%2Fb/%7e?q=%zz&%20 HTTP/1.1" || !strings.HasPrefix(rest, "Host: app.example:81\r\n") {
		t.Errorf("head %q", got)
	}
	if !strings.Contains(rest, "X-Keep: 1\r\nX-Keep: 2\r\n") {
		t.Errorf("repeated header: %q", got)
	}
	for _, name := range []string{"Te:", "Keep-Alive", "Proxy-Connection", "Expect", "Content-Length", "Transfer-Encoding"} {
		if strings.Contains(rest, name) {
			t.Errorf("%s in %q", name, got)
		}
	}
}

// No header that another part of the program has set may add a line to the header.
func TestRequestHeaderCannotBeSplit(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*http.Request){
		"header":            func(r *http.Request) { r.Header["X-Auth-Name"] = []string{"a\r\nX-Admin: 1"} },
		"LF":                func(r *http.Request) { r.Header["X-Auth-Name"] = []string{"a\nX-Admin: 1"} },
		"NUL":               func(r *http.Request) { r.Header["X-Auth-Name"] = []string{"a\x00"} },
		"header name":       func(r *http.Request) { r.Header["X-Auth-Name: a\r\nX-Admin"] = []string{"1"} },
		"name with colon":   func(r *http.Request) { r.Header["X-Admin: 1"] = []string{"1"} },
		"empty name":        func(r *http.Request) { r.Header[""] = []string{"1"} },
		"host":              func(r *http.Request) { r.Host = "a\r\nX-Admin: 1" },
		"host with space":   func(r *http.Request) { r.Host = "a b" },
		"target":            func(r *http.Request) { r.RequestURI = "/ HTTP/1.1\r\nX-Admin: 1" },
		"target with space": func(r *http.Request) { r.RequestURI = "/ HTTP/1.1" },
		"target with tab":   func(r *http.Request) { r.RequestURI = "/\tHTTP/1.1" },
		"target with VT":    func(r *http.Request) { r.RequestURI = "/\x0bHTTP/1.1" },
		"form":              func(r *http.Request) { r.RequestURI = "http://elsewhere/" },
		"none":              func(r *http.Request) { r.RequestURI = "" },
		"method with space": func(r *http.Request) { r.Method = "GET /secret HTTP/1.1" },
		"method with tab":   func(r *http.Request) { r.Method = "GET\t/secret\tHTTP/1.1" },
		"method with LF":    func(r *http.Request) { r.Method = "GET / HTTP/1.1\r\n\r\nGET" },
		"method with NBSP":  func(r *http.Request) { r.Method = "GET\xa0/secret" },
		"no method":         func(r *http.Request) { r.Method = "" },
		"protocol":          func(r *http.Request) { r.Header["Upgrade"] = []string{"websocket\r\nX-Admin: 1"} },
	} {
		r, _ := http.NewRequestWithContext(context.Background(), "GET", "http://x/", nil)
		r.RequestURI = "/"
		change(r)
		if b, err := requestHeader(nil, r, Target{Address: "x:1"}, r.Header["Upgrade"] != nil); err == nil {
			t.Errorf("%s: %q", name, b)
		}
	}
}
