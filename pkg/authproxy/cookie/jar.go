// Package cookie names, writes and recognises the proxy's own cookies, and keeps them apart from the app's. It does not
// know what is in them.
package cookie

import (
	"net/http"
	"strings"
	"time"
)

// hostPrefix begins the names of our cookies on https: a browser accepts it only from this very host, so that no
// sibling domain can inject one (security class 10).
const hostPrefix = "__Host-"

// securePrefix is for cookies below a base path, where hostPrefix is not possible: at least they are set over https.
const securePrefix = "__Secure-"

// Prefix begins the names of all our cookies, after hostPrefix or securePrefix. Some of the app's may begin so too.
const Prefix = "ploomber_"

// Kind is the purpose of one of our cookies.
type Kind string

// The kinds. Each login in progress at a provider has a cookie of its own, named Login, "_" and 16 letters, digits, - and _.
const (
	Session Kind = Prefix + "session"
	Form    Kind = Prefix + "login"  // ties a browser to its login pages
	Denied  Kind = Prefix + "denied" // names the provider of an account that was denied access
	Login   Kind = Prefix + "oidc"
	Pages   Kind = Prefix + "pages" // lists the versions of the app that a browser has pages of
)

func kinds() [5]Kind { return [...]Kind{Session, Form, Denied, Login, Pages} }

// Jar writes the cookies of one proxy. It never changes.
type Jar struct {
	prefix, path, suffix string
}

// NewJar returns the jar of an app at a base path, which is empty for a whole host. The suffix, letters and digits or
// nothing, distinguishes the cookies of apps on different ports of one host, which browsers do not.
func NewJar(base, suffix string) *Jar {
	j := &Jar{prefix: hostPrefix, path: "/"}
	if base != "" {
		j.prefix, j.path = securePrefix, base
	}
	if suffix != "" {
		j.suffix = "_" + suffix
	}
	return j
}

// Name returns the name of a cookie, on encrypted connections or on plain ones.
func (j *Jar) Name(k Kind, https bool) string {
	if https {
		return j.prefix + string(k) + j.suffix
	}
	return string(k) + j.suffix
}

// IsLogin reports whether a name is that of a login in progress, and not of one at a proxy on another port.
func (j *Jar) IsLogin(name string, https bool) bool {
	const size = 16 // of an id
	begin := string(Login) + "_"
	if https {
		begin = j.prefix + begin
	}
	rest, ok := strings.CutPrefix(name, begin)
	neighbours := len(rest) > size && rest[size] == '_' && rest[size:] != j.suffix
	return ok && !neighbours
}

// Set adds a cookie to a response. An empty value deletes it.
func (j *Jar) Set(h http.Header, name, value string, https bool, maxAge time.Duration) {
	if line := j.Line(name, value, https, maxAge); line != "" {
		h.Add("Set-Cookie", line)
	}
}

// Line returns the value of a Set-Cookie header, or "" if the name is invalid. An empty value deletes the cookie.
func (j *Jar) Line(name, value string, https bool, maxAge time.Duration) string {
	c := http.Cookie{Name: name, Value: value, Path: j.path, HttpOnly: true, Secure: https,
		SameSite: http.SameSiteLaxMode, MaxAge: int(maxAge / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	return c.String()
}
