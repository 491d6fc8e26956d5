package authproxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/visitor"
)

// connection is what is remembered of a visitor's connection. A nil one remembers nothing.
type connection struct {
	handed atomic.Pointer[handed]
	basic  password.LastCredential
	line   *visitor.Conn // below TLS too; nil where there is none
	secure bool          // over TLS, whatever the client writes for :scheme
}

// handed is a cookie that has gone out over a connection.
type handed struct {
	cookie string
	at     time.Time
}

type connectionKey struct{}

func withConnection(ctx context.Context, c net.Conn) context.Context {
	_, secure := c.(*tls.Conn)
	known := &connection{secure: secure}
	switch c := c.(type) {
	case *visitor.Conn:
		known.line = c
	case *tls.Conn:
		known.line, _ = c.NetConn().(*visitor.Conn)
	}
	return context.WithValue(ctx, connectionKey{}, known)
}

// connectionOf returns nil for requests to servers that NewServer has not made.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// recent is the credential that came last.
func (c *connection) recent() *password.LastCredential {
	if c == nil {
		return nil
	}
	return &c.basic
}

// linger has the connection's end wait for a client who is still sending.
func (c *connection) linger() {
	if c != nil && c.line != nil {
		c.line.Linger()
	}
}

// handAgain is how long a program that sends none of its cookie back gets no other.
const handAgain = time.Second

// givenAlready reports whether a program has been given this cookie over this connection just now, and asks without
// it all the same: to most it means nothing, and an answer with a cookie may not be kept (see Answer). Where it is
// false for a program, the cookie counts as given from now on. A browser gets it with every answer, since several may come over one connection
// of a proxy before us, and each has to have it before it opens a WebSocket.
func (c *connection) givenAlready(r *http.Request, cookie string, now time.Time) bool {
	if c == nil || strings.HasPrefix(r.Header.Get("User-Agent"), "Mozilla/") || r.Header.Get("Sec-Fetch-Mode") != "" {
		return false
	}
	if last := c.handed.Load(); last != nil && last.cookie == cookie && now.Sub(last.at) < handAgain {
		return true
	}
	c.handed.Store(&handed{cookie, now})
	return false
}
