package upstream

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lingering is how long a tunnel stays open after one side has said all it has to say.
const lingering = 30 * time.Second

// tunnel answers 101 and from then on moves bytes both ways. It returns at once: what goes on needs neither the
// request nor the server's buffers, and an idle WebSocket shall cost little.
func (d *Direct) tunnel(w http.ResponseWriter, r *http.Request, c *conn, h *response, x Hooks) error {
	if !strings.EqualFold(h.get("Upgrade"), r.Header["Upgrade"][0]) {
		return fmt.Errorf("%w: switches to another protocol than was asked for", ErrMalformed)
	}
	out := http.Header{}
	h.into(out)
	delete(out, "Content-Length")
	x.ModifyResponse(h.code, out)
	var answer bytes.Buffer
	answer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + h.get("Upgrade") + "\r\n")
	if err := out.Write(&answer); err != nil {
		return err
	}
	answer.WriteString("\r\n")
	answer.Write(c.buffered())

	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return fmt.Errorf("take over the connection: %w", err)
	}
	t := &tunnelled{client: client, app: c.Conn, open: 2}
	var ok bool
	if t.hooks, ok = x.Upgrade(t); !ok {
		_ = client.Close()
		return ErrBroken
	}
	early, _ := buffered.Peek(buffered.Reader.Buffered())
	_ = client.SetDeadline(time.Time{}) // the server's limits end here
	_, err = client.Write(answer.Bytes())
	if err == nil && len(early) > 0 {
		t.hooks.Sent(early)
		_, err = c.Write(early)
	}
	if err != nil {
		_ = t.Close() // the loops below find out and end
	}
	c.handedOver = true
	c.release()
	c.last = response{}
	go t.move(c.Conn, client, d.large, t.hooks.Sent)
	go t.move(client, c.Conn, d.large, nil)
	return nil
}

// tunnelled is an open WebSocket.
type tunnelled struct {
	client, app net.Conn
	hooks       WebSocket
	moved       atomic.Bool
	closing     sync.Once

	mu     sync.Mutex
	open   int         // directions
	linger *time.Timer // runs once one direction has ended
}

// Close ends the tunnel in both directions. TLS says so to its peer and waits up to five seconds for one that reads
// nothing; nobody waits along, since many tunnels may end together.
func (t *tunnelled) Close() error {
	t.closing.Do(func() {
		for _, c := range [...]net.Conn{t.client, t.app} {
			if _, secure := c.(*tls.Conn); secure {
				go func() { _ = c.Close() }()
			} else {
				_ = c.Close()
			}
		}
	})
	return nil
}

// Moved implements Transfer.
func (t *tunnelled) Moved() bool { return t.moved.Swap(false) }

// move copies one direction until it ends. An end is passed on as such, so that the other side can finish what
// it has to say; any failure closes both. seen, which may be nil, gets what is copied.
func (t *tunnelled) move(dst, src net.Conn, pool buffers, seen func([]byte)) {
	read := lazyReader(src, pool)
	if read == nil {
		read = plainReader(src)
	}
	write := eagerWriter(dst)
	if write == nil {
		write = plainWriter(dst)
	}
	err := t.copy(write, read, pool, seen)
	half, canHalf := dst.(interface{ CloseWrite() error })
	finished := errors.Is(err, io.EOF) && canHalf && half.CloseWrite() == nil
	t.mu.Lock()
	t.open--
	last := t.open == 0
	switch {
	case last && t.linger != nil:
		t.linger.Stop()
	case !last && finished:
		t.linger = time.AfterFunc(lingering, func() { _ = t.Close() })
	}
	t.mu.Unlock()
	if last || !finished {
		_ = t.Close()
	}
	if last {
		t.hooks.Closed()
	}
}

func (t *tunnelled) copy(write func([]byte) error, read func() (*[]byte, int, error), pool buffers, seen func([]byte)) error {
	for {
		buf, n, err := read()
		if err != nil {
			return err
		}
		if !t.moved.Load() {
			t.moved.Store(true)
		}
		if seen != nil {
			seen((*buf)[:n])
		}
		err = write((*buf)[:n])
		pool.put(buf)
		if err != nil {
			return err
		}
	}
}

// plainReader keeps a small buffer of its own and lends it out.
func plainReader(src io.Reader) func() (*[]byte, int, error) {
	buf := make([]byte, readSize)
	return func() (*[]byte, int, error) {
		n, err := src.Read(buf)
		if n > 0 {
			return &buf, n, nil
		}
		return nil, 0, err
	}
}

func plainWriter(dst io.Writer) func([]byte) error {
	return func(b []byte) error {
		_, err := dst.Write(b)
		return err
	}
}
