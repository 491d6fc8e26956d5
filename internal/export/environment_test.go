package export_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/ploomber/ploomber-cloud/internal/export"
	"github.com/ploomber/ploomber-cloud/internal/testkit/nginx"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/proxytest"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// environment is one app behind two doors, which ought to be the same: our proxy and nginx with what was exported.
type environment struct {
	proxy, nginx string // addresses
	log          func() string

	hours atomic.Int64 // by which the proxy's clock is ahead, so that nobody stays locked out

	behind proxytest.App
	first  chan struct{} // gets a value when the first bytes of an upload have arrived
}

// patience bounds each exchange of a test, so that one that hangs fails.
const patience = 2 * time.Minute

func newEnvironment(t *testing.T, c config.Config, h export.Hash) *environment {
	t.Helper()
	nginx.Need(t)
	w := &environment{first: make(chan struct{}, 1)}
	app := proxytest.Start(t, http.HandlerFunc(w.app))

	c.PasswordMode = config.ModeBasic // a login page is what nginx has not; see TestNginxHasNoLoginPage
	w.proxy = w.ours(t, c, app)
	port := nginx.Listen(t)
	dir := t.TempDir()
	o := export.NginxOptions{Upstream: app, Listen: []string{port.Addr()}, ServerNames: []string{"_"}, PasswordDir: dir, Hash: h}
	files, err := export.Nginx(export.Project{Name: "my-app", Login: c}, o)
	if err != nil {
		t.Fatal(err)
	}
	s := nginx.Start(t, port, write(t, dir, files))
	w.nginx, w.log = s.Addr, s.Log
	return w
}

func (w *environment) ours(t *testing.T, c config.Config, app string) string {
	t.Helper()
	p, err := authproxy.New(c, authproxy.Options{Upstream: app, Random: rand.Reader, BcryptCost: bcrypt.MinCost,
		Now: func() time.Time { return time.Now().Add(time.Duration(w.hours.Load()) * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.Serve(l, server.Options{Handler: p, Now: time.Now, ConnContext: authproxy.ConnContext})
	t.Cleanup(func() { _ = p.Close(); s.Close() })
	return l.Addr().String()
}

// app notes what it sees, echoes WebSockets, and has one file.
func (w *environment) app(rw http.ResponseWriter, r *http.Request) {
	s := proxytest.Request{Method: r.Method, Target: r.RequestURI, Host: r.Host, Header: r.Header.Clone()}
	hash, n := sha256.New(), int64(0)
	var begin [1]byte
	if _, err := io.ReadFull(r.Body, begin[:]); err == nil {
		select {
		case w.first <- struct{}{}:
		default:
		}
		rest, copyErr := io.Copy(hash, io.MultiReader(bytes.NewReader(begin[:]), r.Body))
		if n = rest; copyErr != nil {
			n = -1
		}
	}
	s.Body = hex.EncodeToString(hash.Sum(nil)) + " " + time.Duration(n).String()
	w.behind.Note(s)
	rw.Header().Set("X-App", "yes")
	switch {
	case r.Header.Get("Upgrade") != "":
		proxytest.Echo(rw)
	case strings.HasSuffix(r.URL.Path, "/file"):
		http.ServeContent(rw, r, "file.txt", time.Unix(1e9, 0), strings.NewReader(strings.Repeat("0123456789", 1000)))
	case strings.HasSuffix(r.URL.Path, "/accel"):
		rw.Header().Set("X-Accel-Redirect", "/file")
	}
}

// outcome is what came of a request: for the client and for the app.
type outcome struct {
	Code      int
	Challenge string // WWW-Authenticate
	App       bool   // the answer is the app's
	Body      string // of the app's answer
	Range     string
	Seen      []proxytest.Request
}

// ask sends bytes to one of the doors and reads one answer. After an upgrade, "ping" must come back.
func (w *environment) ask(t *testing.T, door, request string) outcome {
	t.Helper()
	conn, reader := dial(t, door)
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	o := read(t, reader, method)
	if o.Code == http.StatusSwitchingProtocols {
		var echo [4]byte
		if _, err := io.WriteString(conn, "ping"); err != nil {
			t.Error(err)
		} else if _, err := io.ReadFull(reader, echo[:]); err != nil || string(echo[:]) != "ping" {
			t.Errorf("the WebSocket says %q, %v", echo, err)
		}
	}
	o.Seen = w.behind.Taken()
	if o.Code == http.StatusUnauthorized {
		w.hours.Add(2)
	}
	return o
}

func dial(t *testing.T, door string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", door)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return conn, bufio.NewReader(conn)
}

// read reads the final answer to a request; code 0 says that there was none.
func read(t *testing.T, reader *bufio.Reader, method string) outcome {
	t.Helper()
	for {
		answer, err := http.ReadResponse(reader, &http.Request{Method: method})
		if err != nil {
			return outcome{}
		}
		if answer.StatusCode == http.StatusContinue {
			continue
		}
		o := outcome{Code: answer.StatusCode, Challenge: answer.Header.Get("Www-Authenticate"), App: answer.Header.Get("X-App") == "yes",
			Range: answer.Header.Get("Content-Range")}
		if o.Code != http.StatusSwitchingProtocols {
			body, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Errorf("the body of the answer: %v", err)
			}
			if o.App {
				o.Body = string(body)
			}
		}
		return o
	}
}

// alike leaves out what may differ between two equal requests to the app.
func alike(s proxytest.Request) proxytest.Request {
	s.Header = s.Header.Clone()
	for name, values := range s.Header {
		switch name {
		case "X-Request-Id", "Content-Length": // each has one of its own; how long the body is, Body says
			delete(s.Header, name)
		case "Connection":
			s.Header[name] = []string{strings.ToLower(strings.Join(values, ","))}
		default:
			slices.Sort(values)
		}
	}
	return s
}
