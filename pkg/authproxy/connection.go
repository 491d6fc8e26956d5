package authproxy

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// connection is what is remembered of a visitor's connection.
type connection struct {
	handed atomic.Pointer[handed]
}

// handed is a cookie that has gone out over a connection.
type handed struct {
	cookie string
	at     time.Time
}

type connectionKey struct{}

func withConnection(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, &connection{})
}

// handAgain is how long a program that sends none of its cookie back gets no other.
const handAgain = time.Second

// givenAlready reports whether a program has been given this cookie over this connection just now, and asks without
// it all the same: to most it means nothing, and an answer with a cookie may not be kept (see Answer). Where it is
// false for a program, the cookie counts as given from now on. A browser gets it with every answer, since several may come over one connection
// of a proxy before us, and each has to have it before it opens a WebSocket.
func givenAlready(r *http.Request, cookie string, now time.Time) bool {
	c, ok := r.Context().Value(connectionKey{}).(*connection)
	if !ok || strings.HasPrefix(r.Header.Get("User-Agent"), "Mozilla/") || r.Header.Get("Sec-Fetch-Mode") != "" {
		return false
	}
	if last := c.handed.Load(); last != nil && last.cookie == cookie && now.Sub(last.at) < handAgain {
		return true
	}
	c.handed.Store(&handed{cookie, now})
	return false
}
