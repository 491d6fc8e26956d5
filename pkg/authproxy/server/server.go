// Package server is the HTTP server in front of apps: its limits, how it drains, and how it closes connections. It does
// not know what its handler does.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a listener on the open net (security classes 14 and 21). Bodies have no time limit: uploads and streams may
// take as long as they like.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 32 << 10 // bytes; net/http itself adds 4 KB
)

// Options are what a Server is made of. Handler and Now are required.
type Options struct {
	Handler     http.Handler
	Now         func() time.Time
	ConnContext func(context.Context, net.Conn) context.Context // see http.Server; the connection is a *Conn, or TLS over one
	TLS         *tls.Config                                     // nil serves plain HTTP/1.1
	Log         *slog.Logger                                    // of clients' mistakes; nil logs nothing
}

// Server serves one handler. Its methods are safe for concurrent use.
type Server struct {
	http *http.Server
	done chan struct{}
	err  error // valid once done is closed
}

// Serve starts to serve on l, which is closed in the end.
func Serve(l net.Listener, o Options) *Server {
	s := &Server{done: make(chan struct{}), http: &http.Server{
		Handler: o.Handler, ConnContext: o.ConnContext, TLSConfig: o.TLS,
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is for the handler, as any other target
		ErrorLog:                     slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}}
	if o.Log != nil {
		s.http.ErrorLog = slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug)
	}
	newDisconnects(lookEvery).follow(s.http)
	serve := s.http.Serve
	if o.TLS != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
		stalled := newStalls(MaxStall, o.Now)
		s.http.Handler = stalled.handler(o.Handler)
		go stalled.watch(s.done)
	}
	go func() {
		defer close(s.done)
		if err := serve(listener{l, lingering{lingerSilence, lingerTime, lingerBytes}}); !errors.Is(err, http.ErrServerClosed) {
			s.err = fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	}()
	return s
}

// Done is closed when the server no longer accepts connections.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why the server ended by itself, once Done is closed; nil after Shutdown and Close.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return s.err
	default:
		return nil
	}
}

// Shutdown stops accepting connections and lets requests finish until ctx ends. Those that are left then are cut, and the
// error is that of ctx. WebSockets belong to the handler, which closes them.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	<-s.done
	return err
}

// Close cuts everything.
func (s *Server) Close() {
	_ = s.http.Close()
	<-s.done
}
