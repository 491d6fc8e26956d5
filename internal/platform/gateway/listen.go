// Package gateway serves an app to its users: it finds an address, and starts the server there. It does not know what
// the handler does.
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
	"time"

	"github.com/ploomber/ploomber-cloud/internal/platform"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// DefaultAddress is used if the user gives none. Only this machine can reach it.
const DefaultAddress = "127.0.0.1:8080"

// nextPorts is how many ports after the default one are tried.
const nextPorts = 50

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
	l, err := server.Listen(ctx, net.JoinHostPort(host, port))
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

// Server serves an app.
type Server = server.Server

// Serve starts to serve an app, behind its login, on l. Mistakes of clients go to log.
func Serve(l *Listener, app http.Handler, now func() time.Time, log *slog.Logger) *Server {
	return server.Serve(l.Listener, server.Options{Handler: app, Now: now, ConnContext: authproxy.ConnContext, Log: log})
}
