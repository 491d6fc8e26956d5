package authproxy_test

import (
	"bufio"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
)

// oneConnection carries requests one after the other; an http.Transport opens another connection where a busy machine
// has it wait too long for its own.
type oneConnection struct {
	net.Conn
	answers *bufio.Reader
}

// RoundTrip returns an answer whose body has been read.
func (c *oneConnection) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(c); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.answers, r)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return answer, errors.Join(err, answer.Body.Close())
}

// A program that shows its password with each request, and sends no cookie back, is not given one with each answer.
func TestCookieOfPrograms(t *testing.T) {
	t.Parallel()
	const browser = "User-Agent: Mozilla/5.0"
	env := newEnvironment(t, mainApp(), nil)
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	p, err := authproxy.New(mainApp(), authproxy.Options{Upstream: proxytest.Start(t, env.app()), Random: rand.Reader, BcryptCost: bcrypt.MinCost,
		Now: func() time.Time { return time.Unix(0, now.Load()) }})
	if err != nil {
		t.Fatal(err)
	}
	address := env.serve(p)
	ask := func(t *testing.T, over *oneConnection, header ...string) (given bool) {
		t.Helper()
		r, err := http.NewRequest("GET", address+"/data", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range append(header, asBasic(user, pass)) {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		answer, err := over.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			t.Fatal(answer.Status)
		}
		given = len(answer.Cookies()) == 1
		if given != (answer.Header.Get("Cache-Control") == "no-store") {
			t.Errorf("given %v, but Cache-Control %q", given, answer.Header.Get("Cache-Control"))
		}
		return given
	}
	connect := func(t *testing.T) *oneConnection {
		c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &oneConnection{c, bufio.NewReader(c)}
	}
	ask(t, connect(t)) // makes the session

	for name, header := range map[string][]string{"browser": {browser}, "page's script": {"Sec-Fetch-Mode: cors"}} {
		over := connect(t)
		for i := range 3 {
			if !ask(t, over, header...) {
				t.Errorf("%s, request %d: no cookie", name, i)
			}
		}
	}
	over := connect(t)
	for _, want := range []bool{true, false, false} {
		if got := ask(t, over); got != want {
			t.Errorf("given %v, want %v", got, want)
		}
	}
	if !ask(t, connect(t)) {
		t.Error("no cookie over a new connection")
	}
	now.Add(int64(2 * time.Second))
	for _, want := range []bool{true, false} {
		if got := ask(t, over); got != want {
			t.Errorf("after a while: given %v, want %v", got, want)
		}
	}
}
