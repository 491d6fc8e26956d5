package authn

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/password"
)

// Connection remembers the last password and cookie of a client's connection, so that a program that sends its password with
// every request does not cost a hash and get a cookie each time. A nil one remembers nothing. It is safe for concurrent use.
type Connection struct {
	credential password.LastCredential
	sent       atomic.Pointer[sentCookie]
}

// sentCookie is a cookie that has been sent over a connection.
type sentCookie struct {
	line string
	at   time.Time
}

// lastCredential returns the cache of the password checked last, nil for a nil connection.
func (c *Connection) lastCredential() *password.LastCredential {
	if c == nil {
		return nil
	}
	return &c.credential
}

// sendAgain is after how long a program that does not send back its cookie gets it again.
const sendAgain = time.Second

// cookieSent reports whether a program has just been sent this cookie over this connection, and sends its request without
// it: most programs ignore cookies, and a response with one may not be cached. If it has not, the cookie counts as sent from
// now on. Browsers get the cookie with every response, since several may share a connection of a proxy in front, and each
// needs it before it opens a WebSocket.
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
