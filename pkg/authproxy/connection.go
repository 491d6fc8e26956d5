package authproxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/visitor"
)

// connection is what is known of a client's connection.
type connection struct {
	authn.Connection
	line   *visitor.Conn // below TLS too; nil where there is none
	secure bool          // over TLS, whatever the client writes for :scheme
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

// remembered returns nil for a connection that is not known.
func (c *connection) remembered() *authn.Connection {
	if c == nil {
		return nil
	}
	return &c.Connection
}

// linger has the connection's end wait for a client who is still sending.
func (c *connection) linger() {
	if c != nil && c.line != nil {
		c.line.Linger()
	}
}
