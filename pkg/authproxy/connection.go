package authproxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
	"github.com/ploomber/ploomber-cloud/pkg/authproxy/server"
)

// connection is what is known of a client's connection.
type connection struct {
	authn.Connection
	line   *server.Conn // below TLS too; nil where there is none
	secure bool         // over TLS, whatever the client writes for :scheme
}

type connectionKey struct{}

// ConnContext lets a Proxy remember connections. It is for http.Server, and for server.Options.
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

// connectionOf returns nil for requests to a server without ConnContext.
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

// linger lets a client that is still sending read the response before the connection ends.
func (c *connection) linger() {
	if c != nil && c.line != nil {
		c.line.Linger()
	}
}
