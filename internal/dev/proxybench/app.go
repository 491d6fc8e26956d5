package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/coder/websocket"
)

// Bodies that the apps serve, in bytes.
const (
	smallSize = 1 << 10
	largeSize = 1 << 20
)

const (
	smallPath  = "/1k"
	largePath  = "/1m"
	socketPath = "/ws"
)

// appAlone is the name of the way past every proxy.
const appAlone = "the app alone"

// startFiles starts the app behind most contestants: an nginx that serves files, on the core of the load.
func (b *bench) startFiles(ctx context.Context) (*proxy, error) {
	dir, err := os.MkdirTemp(b.dir, "files-")
	if err != nil {
		return nil, err
	}
	for path, size := range map[string]int{smallPath: smallSize, largePath: largeSize} {
		if err := os.WriteFile(filepath.Join(dir, path), bytes.Repeat([]byte("x"), size), 0o644); err != nil {
			return nil, err
		}
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("open_file_cache max=10; server { listen %s; location / { root %s; } }", address, dir)
	p, err := b.runNginx(ctx, loadCore, dir, text, address)
	if err != nil {
		return nil, err
	}
	return &proxy{p, []door{{name: appAlone, address: address, root: p.Pid}}}, nil
}

// An echo is an app that sends back what comes over a WebSocket.
type echo struct {
	address string
	server  *http.Server
}

func startEcho() (*echo, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e := &echo{address: l.Addr().String()}
	e.server = &http.Server{Handler: e}
	go e.server.Serve(l) //nolint:errcheck // ends with ErrServerClosed, by close
	return e, nil
}

func (e *echo) close() error { return e.server.Close() }

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != socketPath {
		_, _ = w.Write(make([]byte, smallSize)) // a client that has gone needs no answer
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow() //nolint:errcheck // the client has closed it
	for {
		kind, message, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if err := c.Write(context.Background(), kind, message); err != nil {
			return
		}
	}
}
