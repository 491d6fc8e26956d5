// Package gateway serves an app to its users: one HTTP server on one address, drained before it closes. It does
// not know what the handler does.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
)

// DefaultAddress is used if the user gives none. Only this machine can reach it.
const DefaultAddress = "127.0.0.1:8080"

const (
	nextPorts     = 50 // how many ports after the default one are tried
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10 // bytes; cookies and tokens of a login may take 12 KB
)

// Listener is an address taken for an app, before it is served.
type Listener struct {
	net.Listener
	url url.URL
}

// Listen takes address, "host:port"; a host that is missing means the loopback interface. "" stands for the
// default address or, where another program has it, the next free port. The error is a *platform.Problem
// where address is taken or cannot be had.
func Listen(ctx context.Context, address string) (*Listener, error) {
	if address != "" {
		return listen(ctx, address)
	}
	host, first, err := net.SplitHostPort(DefaultAddress)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(first)
	if err != nil {
		return nil, err
	}
	for next := port; ; next++ {
		l, err := listen(ctx, net.JoinHostPort(host, strconv.Itoa(next)))
		if err == nil || !errors.Is(err, platform.ErrTaken) || next == port+nextPorts {
			return l, err
		}
	}
}

func listen(ctx context.Context, address string) (*Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &platform.Problem{Msg: fmt.Sprintf("address %q is not host:port", address), Err: err}
	}
	if host == "" {
		host = "127.0.0.1"
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		p := &platform.Problem{Msg: "cannot listen on " + net.JoinHostPort(host, port), Err: err}
		if errors.Is(err, platform.ErrTaken) {
			p.Msg, p.Hint = "another program is using "+net.JoinHostPort(host, port), "choose another port"
		}
		return nil, p
	}
	// What the user typed is what the user's browser will show; an address that means "all" cannot be visited.
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	return &Listener{Listener: l, url: url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}}, nil
}

// URL is where users reach what is served on l.
func (l *Listener) URL() *url.URL { u := l.url; return &u }

// Server serves one handler. Its methods are safe for concurrent use.
type Server struct {
	http *http.Server
	done chan struct{}
	err  error // valid once done is closed

	mu       sync.Mutex
	hijacked map[net.Conn]struct{}
}

// Serve starts to serve handler on l, which it closes in the end. Mistakes of clients go to log.
func Serve(l *Listener, handler http.Handler, log *slog.Logger) *Server {
	s := &Server{done: make(chan struct{}), hijacked: map[net.Conn]struct{}{}}
	s.http = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout, // none for bodies: uploads and event streams may take for ever
		MaxHeaderBytes:    maxHeader,
		ConnState:         s.track,
	}
	if log != nil {
		s.http.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(tracked{l.Listener, s}); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve %s: %w", l.URL(), err)
		}
	}()
	return s
}

// Done is closed when the server no longer accepts connections.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server ended by itself, once Done is closed; nil after Shutdown.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Shutdown stops accepting connections, lets in-flight requests finish until ctx ends, and then closes every
// remaining connection, including WebSockets.
func (s *Server) Shutdown(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
	<-s.done
	s.mu.Lock()
	open := s.hijacked
	s.hijacked = nil
	s.mu.Unlock()
	for c := range open {
		_ = c.Close()
	}
}

// track remembers connections that a handler took over; net/http forgets them.
func (s *Server) track(c net.Conn, state http.ConnState) {
	if state != http.StateHijacked {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hijacked == nil {
		_ = c.Close() // taken over while we were closing
		return
	}
	s.hijacked[c] = struct{}{}
}

func (s *Server) forget(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hijacked, c)
}

// tracked is a listener whose connections tell the server when they close.
type tracked struct {
	net.Listener
	server *Server
}

func (t tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &conn{TCPConn: tcp, server: t.server}, err
	}
	return c, err
}

// conn is a TCP connection, with all its fast paths, that is forgotten when it closes.
type conn struct {
	*net.TCPConn
	server *Server
}

func (c *conn) Close() error {
	c.server.forget(c)
	return c.TCPConn.Close()
}
