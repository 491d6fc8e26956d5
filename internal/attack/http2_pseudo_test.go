package attack

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Security class 14: HTTP/2 lets any text be a method, and some servers split the request line that it becomes at any
// white space, and so would read another path than the rules were asked about.
func TestClass14MethodHTTP2(t *testing.T) {
	t.Parallel()
	app := newRecorder(t)
	cert, key := certificate(t)
	p := start(t, app.url, password("AUTH_PUBLIC_PATHS=/pub/"), "--tls-cert", cert, "--tls-key", key)
	session := field{"cookie", p.loggedIn().cookie()[len("Cookie: "):]}
	for method, want := range map[string]int{
		"GET /secret HTTP/1.1": 400, "GET\t/secret\tHTTP/1.1": 400, "POST /secret HTTP/1.1": 400, "GET http://x/secret HTTP/1.1": 400,
		"GET ": 400, " GET": 400, "GET\u00a0/secret\u00a0HTTP/1.1": 400, "GET\x85/secret\x85HTTP/1.1": 400, "GET:": 400, "G/T": 400, "{GET}": 400, "GÉT": 400,
		"GET": 200, "get": 200, "PROPFIND": 200, "M-SEARCH": 200, "QUERY": 200, "X!#$%&'*+-.^_`|~9": 200, "CONNECT": 0, "TRACE": 405,
	} {
		for _, path := range []string{"/pub/x", "/x"} {
			fields := []field{{":method", method}, {":scheme", "https"}, {":authority", p.host}, {":path", path}, session}
			status, _, body, err := p.frames().ask(fields)
			if want == 0 && err == nil || want > 0 && (err != nil || status != want) {
				t.Errorf("%q %s: %d %s, %v, want %d", method, path, status, body, err, want)
			}
			got := app.taken()
			if want == 200 && (len(got) != 1 || !strings.HasPrefix(got[0], method+" "+path+" HTTP/1.1\r\n")) || want != 200 && len(got) > 0 {
				t.Errorf("%q %s: the app got %q", method, path, got)
			}
		}
	}
}

// Security class 14: whatever a client without a session writes into the pseudo-headers and headers of HTTP/2, the app
// gets nothing, or what four parsers take for one request, with the method and the path that the rules were asked about.
// Two of them split a request line at any white space.
func TestClass14PseudoHeadersHTTP2(t *testing.T) {
	t.Parallel()
	app := newRecorder(t)
	parsers := parsers(t)
	cert, key := certificate(t)
	p := start(t, app.url, password("AUTH_PUBLIC_PATHS=/pub/"), "--tls-cert", cert, "--tls-key", key)
	passed := 0
	check := func(t interface{ Fatalf(string, ...any) }, f *frames, fields []field) *frames {
		status, _, _, err := f.ask(fields)
		if err != nil && !errors.Is(err, errReset) {
			f = p.frames()
		}
		method, target := fields[0][1], fields[3][1]
		path, _, _ := strings.Cut(target, "?")
		for _, wire := range app.taken() {
			passed++
			if status != http.StatusOK || !strings.HasPrefix(target, "/pub/") {
				t.Fatalf("%q without a session: %d, and the app got %q", fields, status, wire)
			}
			for name, parse := range parsers {
				got := parse(wire)
				if len(got) == 0 && !usual(method, target) {
					continue // it was refused, as it may be
				}
				if len(got) != 1 || !strings.EqualFold(got[0][0], method) || got[0][1] != path { // gunicorn 21 folds methods
					t.Fatalf("%q: %s finds %q in %q", fields, name, got, wire)
				}
			}
		}
		return f
	}
	f := p.frames()
	for _, fields := range [][]field{
		{{":method", "GET"}, {":scheme", "https"}, {":authority", p.host}, {":path", "/pub/x?q=%20"}},
		{{":method", "GET /secret HTTP/1.1"}, {":scheme", "https"}, {":authority", p.host}, {":path", "/pub/x"}},
		{{":method", "GET"}, {":scheme", "https"}, {":authority", p.host}, {":path", "/pub/x?\u00a0HTTP/1.1\u00a0/secret"}},
	} {
		f = check(t, f, fields)
	}
	rapid.Check(t, func(t *rapid.T) {
		for range 8 { // on one connection, as long as it lasts
			f = check(t, f, pseudoHeaders(p.host).Draw(t, "fields"))
		}
	})
	if passed < 50 {
		t.Errorf("only %d requests reached the app: the test shows little", passed)
	}
}

// pseudoHeaders generates the fields of a request, in the order of a usual one, most with something odd in one of them.
func pseudoHeaders(host string) *rapid.Generator[[]field] {
	odd := rapid.SampledFrom([]string{" ", "\t", "\u00a0", "\xa0", "\x85", "\x0b", "\x0c", "\x1c", "\r\n", "\n", "\r", "\x00", "#", "?", ";", "%20", "%0d%0a",
		" HTTP/1.1", " /secret HTTP/1.1", "\t/secret\tHTTP/1.1", "\xa0/secret\xa0HTTP/1.1", " /secret HTTP/1.0 ", "HTTP/1.1 ", " HTTP/0.9", "http://x/secret ",
		"\r\nX: y", " HTTP/1.1\r\n\r\nGET /secret", "/", ":", ",", "@", "*", "é", "\xff"})
	text := func(normal ...string) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			s := rapid.SampledFrom(normal).Draw(t, "normal")
			for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "odd") {
				at := rapid.IntRange(0, len(s)).Draw(t, "at")
				s = s[:at] + odd.Draw(t, "text") + s[at:]
			}
			return s
		})
	}
	return rapid.Custom(func(t *rapid.T) []field {
		fields := []field{
			{":method", text("GET", "GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "QUERY").Draw(t, "method")},
			{":scheme", text("https", "https", "https", "http").Draw(t, "scheme")},
			{":authority", text(host, "app.example", "app.example:8443", "[::1]:80", "").Draw(t, "authority")},
			{":path", text("/pub/x", "/pub/x", "/pub/x?q=1", "/pub/a%20b?q=%2f", "/secret", "*", "").Draw(t, "path")},
		}
		if rapid.Bool().Draw(t, "with a header") {
			name := text("x-other", "host", "expect", "te", "content-length", "upgrade", "trailer").Draw(t, "name")
			fields = append(fields, field{name, text("a", "GET /secret HTTP/1.1", "7", "x:80", "trailers", "100-continue").Draw(t, "value")})
		}
		return fields
	})
}

// usual tells what every server takes. Some know a few methods only, and some refuse a query with bytes that are white
// space in Latin-1.
func usual(method, target string) bool {
	return slices.Contains([]string{"GET", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"}, method) &&
		strings.IndexFunc(target, func(r rune) bool { return r > 0x7e }) < 0
}

// parsers are ways to read the requests that a connection carried: their methods, and paths without the query. What a
// parser refuses is not a request.
func parsers(t *testing.T) map[string]func(wire string) []pair {
	t.Helper()
	env := environment(t, "parsers")
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node")
	}
	return map[string]func(string) []pair{
		"net/http":    parseInGo,
		"gunicorn 21": parseIn(t, env.Program("python"), "gunicorn_parser.py"),
		"http.server": parseIn(t, env.Program("python"), "stdlib_parser.py"),
		"node":        parseIn(t, node, "node_parser.js"),
	}
}

func parseInGo(wire string) (found []pair) {
	for r := bufio.NewReader(strings.NewReader(wire)); ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return found
		}
		path, _, _ := strings.Cut(req.RequestURI, "?")
		found = append(found, pair{req.Method, path})
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

// parseIn keeps a script of testdata running that answers each line, base64 of a wire, with one of JSON.
func parseIn(t *testing.T, program, script string) func(string) []pair {
	t.Helper()
	c := exec.Command(program, filepath.Join("testdata", "parsers", script))
	var said bytes.Buffer
	c.Stderr, c.WaitDelay = &said, 5*time.Second
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close(); _ = c.Wait() })
	lines := bufio.NewReader(out)
	return func(wire string) (found []pair) {
		_, err := fmt.Fprintln(in, base64.StdEncoding.EncodeToString([]byte(wire)))
		var line []byte
		if err == nil {
			line, err = lines.ReadBytes('\n')
		}
		if err == nil {
			err = json.Unmarshal(line, &found)
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", script, err, &said)
		}
		return found
	}
}

// recorder is an app that keeps what each connection carries, understands nothing of it, and answers once the head of
// a request seems to be there.
type recorder struct {
	url string

	mu    sync.Mutex
	wires []string
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &recorder{url: "http://" + l.Addr().String()}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { a.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); serving.Wait() })
	return a
}

func (a *recorder) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(clientLimit))
	var wire []byte
	for buf := make([]byte, 64<<10); !bytes.Contains(wire, []byte("\r\n\r\n")); {
		n, err := c.Read(buf)
		wire = append(wire, buf[:n]...)
		if err != nil {
			break
		}
	}
	if len(wire) == 0 {
		return
	}
	a.mu.Lock()
	a.wires = append(a.wires, string(wire))
	a.mu.Unlock()
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// taken returns what has come since the last call.
func (a *recorder) taken() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	wires := a.wires
	a.wires = nil
	return wires
}
