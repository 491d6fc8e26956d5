package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/errgroup"
)

const (
	echoSockets = 16
	echoSize    = 128 // bytes of a message
	idleSockets = 2000
	openAtOnce  = 8 // sockets that are being opened at one time
)

// openSocket opens a WebSocket and sends a message to and fro.
func openSocket(ctx context.Context, d door) (*websocket.Conn, error) {
	options := &websocket.DialOptions{HTTPHeader: http.Header{}}
	if name, value, ok := strings.Cut(d.header, ": "); ok {
		options.HTTPHeader.Set(name, value)
	}
	c, answer, err := websocket.Dial(ctx, "ws://"+d.address+socketPath, options)
	if err != nil {
		return nil, fmt.Errorf("open a WebSocket: %w", err)
	}
	if answer.Body != nil {
		err = answer.Body.Close()
	}
	if err := errors.Join(err, pingPong(ctx, c, bytes.Repeat([]byte("x"), echoSize))); err != nil {
		return nil, errors.Join(err, c.CloseNow())
	}
	return c, nil
}

func pingPong(ctx context.Context, c *websocket.Conn, message []byte) error {
	if err := c.Write(ctx, websocket.MessageBinary, message); err != nil {
		return err
	}
	_, back, err := c.Read(ctx)
	if err == nil && !bytes.Equal(back, message) {
		err = errors.New("another message comes back")
	}
	return err
}

// openSockets opens n of them.
func openSockets(ctx context.Context, d door, n int) ([]*websocket.Conn, error) {
	all := make([]*websocket.Conn, n)
	var group errgroup.Group
	group.SetLimit(openAtOnce)
	for i := range all {
		group.Go(func() (err error) {
			all[i], err = openSocket(ctx, d)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		closeSockets(all)
		return nil, fmt.Errorf("%s: %w", d.name, err)
	}
	return all, nil
}

func closeSockets(all []*websocket.Conn) {
	for _, c := range all {
		if c != nil {
			_ = c.CloseNow() // nothing is lost with it
		}
	}
}

// echoLoad sends messages to and fro over some WebSockets, on each the next when the last has come back.
func echoLoad(ctx context.Context, d door, slice time.Duration) (tally, error) {
	sockets, err := openSockets(ctx, d, echoSockets)
	if err != nil {
		return tally{}, err
	}
	defer closeSockets(sockets)
	var group errgroup.Group
	counts := make([]int, len(sockets))
	begin := time.Now()
	for i, c := range sockets {
		group.Go(func() error {
			message := bytes.Repeat([]byte{byte(i)}, echoSize)
			for first := true; first || time.Since(begin) < slice; first = false {
				if err := pingPong(ctx, c, message); err != nil {
					return err
				}
				counts[i]++
			}
			return nil
		})
	}
	err = group.Wait()
	t := tally{took: time.Since(begin)}
	for _, n := range counts {
		t.done += float64(n)
	}
	return t, err
}
