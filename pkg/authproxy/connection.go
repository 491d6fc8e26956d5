package authproxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// connection is a client's connection.
type connection struct {
	authn.Connection
	line   *server.Conn // also below TLS; nil for other servers
	secure bool         // over TLS, whatever :scheme says
}

type connectionKey struct{}

// ConnContext gives each connection of a server a state for Proxy. It is for the field of this name in http.Server and
// server.Options.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	_, secure := c.(*tls.Conn)
	known := &connection{secure: secure}
	switch c := c.(type) {
	case *server.Conn:
		known.line = c
	case *tls.Conn:
		known.line, _ = c.NetConn().(*server.Conn)
	}
	return context.WithValue(ctx, connectionKey{}, known)
}

// connectionOf returns the connection of a request, or nil if its server has no ConnContext.
func connectionOf(r *http.Request) *connection {
	c, _ := r.Context().Value(connectionKey{}).(*connection)
	return c
}

// state returns what authn remembers of the connection, nil for a nil one.
func (c *connection) state() *authn.Connection {
	if c == nil {
		return nil
	}
	return &c.Connection
}

// linger lets a client that is still sending read the response before the connection ends.
func (c *connection) linger() {
	if c != nil && c.line != nil {
		c.line.Linger()
	}
}
