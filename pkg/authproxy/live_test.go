package authproxy_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// events is an app with answers that have no end. Each request is at /stream, with a head and what is sent to say; at
// /silent, without even a head; or at /length, with a length that is never reached. Other paths are the usual app's.
type events struct {
	usual   http.Handler
	arrived chan string        // the path of each request, once the app has it
	say     chan string        // to /stream, to one of those who listen
	gone    chan string        // the path of each request that was broken off
	cut     context.CancelFunc // ends all
	context context.Context
}

func newEvents(t *testing.T) *events {
	e := &events{arrived: make(chan string, 100), say: make(chan string), gone: make(chan string, 100)}
	e.context, e.cut = context.WithCancel(context.Background())
	t.Cleanup(e.cut)
	return e
}

func (e *events) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/api/") {
		path = path[len("/api"):]
	}
	switch path {
	case "/stream":
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n")
	case "/length":
		w.Header().Set("Content-Length", "1000000")
		_, _ = io.WriteString(w, "data: first\n")
	case "/silent":
	default:
		e.usual.ServeHTTP(w, r)
		return
	}
	control := http.NewResponseController(w)
	if path != "/silent" {
		_ = control.Flush()
	}
	e.arrived <- path
	for {
		select {
		case line := <-e.say:
			_, _ = io.WriteString(w, line)
			_ = control.Flush()
		case <-r.Context().Done():
			e.gone <- path
			return
		case <-e.context.Done():
			return
		}
	}
}

// stream is an answer that is under way.
type stream struct {
	t     *testing.T
	lines *bufio.Reader
}

// ask sends a request and reads the head of the answer.
func (env *environment) ask(method, path string, header ...string) (*http.Response, error) {
	conn, err := net.Dial("tcp", env.host)
	if err != nil {
		return nil, err
	}
	env.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n", method, path, env.host, strings.Join(header, "\r\n")); err != nil {
		return nil, err
	}
	return http.ReadResponse(bufio.NewReader(deadlineConn{conn}), nil)
}

// listen begins an answer that does not end.
func (env *environment) listen(path string, header ...string) *stream {
	env.t.Helper()
	answer, err := env.ask("GET", path, header...)
	if err != nil {
		env.t.Fatal(err)
	}
	s := &stream{t: env.t, lines: bufio.NewReader(answer.Body)}
	s.wantLine("data: first\n")
	return s
}

func (s *stream) wantLine(want string) {
	s.t.Helper()
	if line, err := s.lines.ReadString('\n'); line != want {
		s.t.Fatalf("%q, %v; want %q", line, err, want)
	}
}

// handshake opens a WebSocket.
func (env *environment) handshake(header ...string) (io.ReadWriter, error) {
	conn, err := net.Dial("tcp", env.host)
	if err != nil {
		return nil, err
	}
	env.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, env.upgrade("/ws", header...)); err != nil {
		return nil, err
	}
	br := bufio.NewReader(deadlineConn{conn})
	answer, err := http.ReadResponse(br, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("%v, %w; want 101", answer, err)
	}
	return socket{conn, br}, nil
}

// newHeldHandshakes starts a proxy whose app lets WebSockets wait: arrived tells of each, and they go on once leave is
// closed.
func newHeldHandshakes(t *testing.T, options ...func(*oidcEnvironment, *authproxy.Options)) (env *oidcEnvironment, arrived, leave chan bool) {
	t.Helper()
	e := newEvents(t)
	arrived, leave = make(chan bool), make(chan bool)
	env = newOIDC(t, oidcOnly(), e, append(options, with(withRefresh))...)
	usual := env.app()
	e.usual = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			arrived <- true
			select {
			case <-leave:
			case <-r.Context().Done(): // the test has failed
			}
		}
		usual.ServeHTTP(rw, r)
	})
	return env, arrived, leave
}

// wantCut waits for an answer to break off, recognisably so.
func (s *stream) wantCut() {
	s.t.Helper()
	if line, err := s.lines.ReadString('\n'); line != "" || !hasEnded(err) || err == io.EOF {
		s.t.Errorf("%q, %v; want the answer to break off", line, err)
	}
}

// Security class 9: answers that are under way end with their session, like its WebSockets, in whichever way it ends
// and whatever they are waiting for. Those of another session go on. What a reload no longer lets in may finish what it
// has asked for, but gets no more events.
func TestClass09LongAnswersEndWithTheirSession(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end    func(env *oidcEnvironment, b *browser)
		all    bool // others' end as well
		reload bool // which spares requests that have an end
	}{
		"log-out":       {end: func(_ *oidcEnvironment, b *browser) { b.get("/logout") }},
		"exit":          {end: func(_ *oidcEnvironment, b *browser) { b.get("/exit") }},
		"another login": {end: func(env *oidcEnvironment, b *browser) { b.get("/logout"); env.logIn(b) }},
		"of a person": {end: func(env *oidcEnvironment, _ *browser) {
			if err := env.proxy.EndOwner(context.Background(), "auth0|7"); err != nil {
				env.t.Error(err)
			}
		}},
		"expiry": {all: true, end: func(env *oidcEnvironment, _ *browser) { env.advance(8 * 24 * time.Hour) }},
		"a new secret": {all: true, reload: true, end: func(env *oidcEnvironment, _ *browser) {
			env.reload(func(c *config.Config) { c.Secrets = []config.Secret{oldSecret} })
		}},
		"an access rule": {all: true, reload: true, end: func(env *oidcEnvironment, _ *browser) {
			env.reload(func(c *config.Config) { c.Access.Emails = []string{} })
		}},
	} {
		for age, look := range map[string]func(*oidcEnvironment){
			"young": func(*oidcEnvironment) {},
			"old":   func(env *oidcEnvironment) { env.reload(func(*config.Config) {}) }, // which looks at all that is open
		} {
			t.Run(name+", "+age, func(t *testing.T) {
				t.Parallel()
				e := newEvents(t)
				env := newOIDC(t, oidcOnly(), e)
				e.usual = env.app()
				b, other := env.browser(), env.browser()
				env.logIn(b)
				set(env.fake, func() { env.fake.Claims = map[string]any{"sub": "auth0|bob", "email": "bob@example.com"} })
				env.logIn(other)
				cookie := "Cookie: ploomber_session=" + b.session()
				stream, length := env.listen("/stream", cookie), env.listen("/length", cookie)
				want := http.StatusUnauthorized
				if tc.reload {
					want = http.StatusOK
				}
				var wg sync.WaitGroup
				wg.Go(func() {
					if got, err := env.ask("GET", "/silent", cookie); err != nil || got.StatusCode != want {
						t.Errorf("while the app keeps silent: %v, %v; want %d", got, err, want)
					}
				})
				for range 3 {
					receive(t, e.arrived, "a request to arrive at the app")
				}
				others := env.listen("/stream", "Cookie: ploomber_session="+other.session())
				receive(t, e.arrived, "a request to arrive at the app")
				look(env)
				tc.end(env, b)
				stream.wantCut()
				if !tc.reload {
					length.wantCut()
					for range 3 { // and the app learns of it
						receive(t, e.gone, "the app to learn that a request is over")
					}
				}
				if tc.all {
					others.wantCut()
				} else {
					send(t, e.say, "data: on\n", "the app to send an event")
					others.wantLine("data: on\n")
				}
				if log := env.logs.String(); strings.Contains(log, "app not reached") {
					t.Errorf("the app is blamed:\n%s", log)
				}
				e.cut() // now the app answers
				wg.Wait()
			})
		}
	}
}

// What is long and of a session that lives is left alone: while the session gets a new id, which it follows, and while
// others end. A whole download arrives whole.
func TestLongAnswersOfALivingSessionGoOn(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	half := strings.Repeat("x", size/2)
	e, next := newEvents(t), make(chan bool)
	env := newOIDC(t, oidcOnly(), e, with(withRefresh))
	e.usual = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/download" {
			rw.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = io.WriteString(rw, half)
			<-next
			_, _ = io.WriteString(rw, half)
			return
		}
		env.app().ServeHTTP(rw, r)
	})
	b, other := env.browser(), env.browser()
	env.logIn(b)
	env.logIn(other)
	id := b.session()
	download, err := env.ask("GET", "/download", "Cookie: ploomber_session="+id)
	if err != nil {
		t.Fatal(err)
	}
	events := env.listen("/stream", "Cookie: ploomber_session="+id)
	for round := range 3 {
		env.reload(func(*config.Config) {}) // looks at all that is open
		env.advance(2 * time.Hour)
		wantApp(t, b.get("/"))
		other.get("/logout")
		send(t, e.say, fmt.Sprintln(round), "the app to send an event")
		events.wantLine(fmt.Sprintln(round))
	}
	if b.session() == id {
		t.Fatal("the id is the same")
	}
	next <- true
	if n, err := io.Copy(io.Discard, download.Body); n != size || err != nil {
		t.Errorf("%d bytes, %v; want %d", n, err, size)
	}
	b.get("/logout")
	events.wantCut()
}

// An answer that flows keeps its session in use, as a WebSocket does; one that has nothing to say does not.
func TestStreamKeepsSessionInUse(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.SessionIdle = time.Hour
	e := newEvents(t)
	env := newOIDC(t, c, e)
	e.usual = env.app()
	b := env.browser()
	env.logIn(b)
	events := env.listen("/stream", "Cookie: ploomber_session="+b.session())
	look := func() { env.reload(func(*config.Config) {}) }
	look()
	for range 4 {
		env.advance(50 * time.Minute)
		send(t, e.say, "data: on\n", "the app to send an event")
		events.wantLine("data: on\n")
		look()
	}
	env.advance(61 * time.Minute)
	look()
	events.wantCut()
	wantCode(t, b.get("/"), http.StatusUnauthorized)
}

// Credentials that come with a request are what its answer depends on, and no session beside them.
func TestStreamByPasswordBesideSession(t *testing.T) {
	t.Parallel()
	e := newEvents(t)
	env := newOIDC(t, withBot(oidcOnly()), e, with(withRefresh))
	e.usual = env.app()
	b := env.browser()
	env.logIn(b)
	events := env.listen("/api/stream", "Cookie: ploomber_session="+b.session(), asBasic("bot", "beep"))
	goesOn := func() {
		t.Helper()
		env.reload(func(c *config.Config) { c.SessionIdle += time.Hour }) // which concerns later logins only
		send(t, e.say, "data: on\n", "the app to send an event")
		events.wantLine("data: on\n")
	}
	goesOn()
	env.advance(2 * time.Hour)
	wantApp(t, b.get("/"))
	goesOn()
	b.get("/logout")
	goesOn()
	env.reload(func(c *config.Config) {
		c.Passwords = map[config.Feature]config.Login{config.API: {Username: "bot", Password: "boop"}}
	})
	events.wantCut()
}

// A response from a public path does not end with the session of its user, only when the path is no longer public.
func TestPublicStreamOutlivesSession(t *testing.T) {
	t.Parallel()
	c := oidcOnly()
	c.PublicPaths = []string{"/stream"}
	e := newEvents(t)
	env := newOIDC(t, c, e)
	e.usual = env.app()
	b := env.browser()
	env.logIn(b)
	events := env.listen("/stream", "Cookie: ploomber_session="+b.session())
	env.reload(func(*config.Config) {}) // looks at all that is open
	b.get("/logout")
	env.reload(func(*config.Config) {})
	send(t, e.say, "data: on\n", "the app to send an event")
	events.wantLine("data: on\n")
	env.reload(func(c *config.Config) { c.PublicPaths = nil })
	events.wantCut()
}

// A WebSocket whose handshake has begun before its session gets another id, and ends after it, belongs to the new one.
func TestHandshakeDuringRenewal(t *testing.T) {
	t.Parallel()
	for name, renew := range map[string]func(*oidcEnvironment, *browser){
		"new tokens": func(env *oidcEnvironment, b *browser) {
			env.advance(2 * time.Hour)
			wantApp(env.t, b.get("/"))
		},
		"twice": func(env *oidcEnvironment, b *browser) {
			for range 2 {
				env.advance(2 * time.Hour)
				wantApp(env.t, b.get("/"))
				env.reload(func(*config.Config) {}) // there is a look every second in two hours
			}
		},
		"another login": func(env *oidcEnvironment, b *browser) {
			if got := b.finishLogin(env.fake, b.beginLogin("/_auth/login")); got.StatusCode != http.StatusFound {
				env.t.Errorf("login: %d", got.StatusCode)
			}
		},
		"a new secret": func(env *oidcEnvironment, b *browser) {
			env.reload(func(c *config.Config) { c.Secrets = []config.Secret{oldSecret, longSecret} })
			wantApp(env.t, b.get("/"))
			env.reload(func(c *config.Config) { c.Secrets = c.Secrets[:1] })
		},
	} {
		for age, look := range map[string]func(*oidcEnvironment){
			"young": func(*oidcEnvironment) {},
			"old":   func(env *oidcEnvironment) { env.reload(func(*config.Config) {}) },
		} {
			t.Run(name+", "+age, func(t *testing.T) {
				t.Parallel()
				env, arrived, leave := newHeldHandshakes(t)
				b := env.browser()
				env.logIn(b)
				id := b.session()
				var ws io.ReadWriter
				var err error
				var wg sync.WaitGroup
				wg.Go(func() { ws, err = env.handshake("Cookie: ploomber_session=" + id) })
				receive(t, arrived, "the handshake to arrive at the app")
				look(env)
				renew(env, b)
				if b.session() == id && name != "a new secret" {
					t.Fatal("the id is the same")
				}
				close(leave)
				if wg.Wait(); err != nil {
					t.Fatal(err)
				}
				wantEcho(t, ws)
				env.reload(func(*config.Config) {})
				wantEcho(t, ws)
				b.get("/logout")
				wantClosed(t, ws)
			})
		}
	}
}

// Of two proxies on one store, one learns from the store that a session has ended at the other.
func TestClass09LogoutAtAnotherProcess(t *testing.T) {
	t.Parallel()
	c, store := mainApp(), session.NewMemory(0)
	c.Secrets = []config.Secret{longSecret}
	here, there := newEnvironmentWith(t, c, nil, store), newEnvironmentWith(t, c, nil, store)
	b := here.browser()
	b.login("/", user, pass)
	ws, err := there.handshake("Cookie: ploomber_session=" + b.session())
	if err != nil {
		t.Fatal(err)
	}
	wantEcho(t, ws)
	b.get("/logout")
	there.advance(10 * time.Second)
	for start := time.Now(); err == nil; {
		if time.Since(start) > patience {
			t.Fatal("the WebSocket stays open")
		}
		if _, err = io.WriteString(ws, "x"); err == nil {
			_, err = io.ReadFull(ws, make([]byte, 1))
		}
	}
}
