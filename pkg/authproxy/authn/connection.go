package authn

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// Connection is what is remembered of a client's connection, so that programs that send a password with every request
// do not cost a hash and a cookie each time. A nil one remembers nothing. It is safe for concurrent use.
type Connection struct {
	credential password.LastCredential
	sent       atomic.Pointer[sentCookie]
}

// sentCookie is a cookie that has gone out over a connection.
type sentCookie struct {
	line string
	at   time.Time
}

// lastCredential is the credential that came last.
func (c *Connection) lastCredential() *password.LastCredential {
	if c == nil {
		return nil
	}
	return &c.credential
}

// sendAgain is how long a program that does not send its cookie back gets no other.
const sendAgain = time.Second

// cookieSent reports whether a program has been sent this cookie over this connection just now, and asks without it all
// the same: to most it means nothing, and a response with a cookie may not be cached. Where it is false for a program,
// the cookie counts as sent from now on. A browser gets it with every response, since several browsers may share a
// connection of a proxy in front, and each has to have it before it opens a WebSocket.
func (c *Connection) cookieSent(r *http.Request, line string, now time.Time) bool {
	if c == nil || strings.HasPrefix(r.Header.Get("User-Agent"), "Mozilla/") || r.Header.Get("Sec-Fetch-Mode") != "" {
		return false
	}
	if last := c.sent.Load(); last != nil && last.line == line && now.Sub(last.at) < sendAgain {
		return true
	}
	c.sent.Store(&sentCookie{line, now})
	return false
}
