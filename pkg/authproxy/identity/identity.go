// Package identity says who is asking and how the app is told: the identity headers, and which names a client
// may never use for them. It must not know how anybody proved who they are.
package identity

import (
	"net/http"
	"net/url"
	"strings"
)

// Identity is one person or program that has logged in.
type Identity struct {
	Name        string // e-mail or user name, as X-Auth-Name
	Subject     string // stable id, as X-Auth-Sub
	AccessToken string // as X-Access-Token; empty where the login brought none
	IDToken     string // as X-Id-Token; empty where the login brought none
}

// Header names that the app reads, in canonical form.
const (
	HeaderName        = "X-Auth-Name"
	HeaderNameEncoded = "X-Auth-Name-Encoded" // where the name is not ASCII: it, percent-encoded
	HeaderSubject     = "X-Auth-Sub"
	HeaderAccessToken = "X-Access-Token"
	HeaderIDToken     = "X-Id-Token"
)

// PasswordSubject begins the subject of every user with a password, and of no other.
const PasswordSubject = "password|"

// OfPassword is the identity of a user with a password.
func OfPassword(name string) Identity { return Identity{Name: name, Subject: PasswordSubject + name} }

// DisplayName is what to call the user in the log and on pages: the name, else the subject.
func (id *Identity) DisplayName() string {
	if id.Name != "" {
		return id.Name
	}
	return id.Subject
}

// MaxToken is the size in bytes up to which a token becomes a header. Frameworks refuse requests whose head is
// larger than 16 KB in all (Node, gunicorn 8 KB a line), so a longer token is left out rather than cut.
const MaxToken = 6 << 10

// Set writes id's headers into h, replacing what is there. Empty fields and tokens over MaxToken are left
// out. Values go out as UTF-8. Since most frameworks take the bytes of a header for Latin-1, a name that is not ASCII goes
// out a second time in characters that nobody misreads.
func (id *Identity) Set(h http.Header) {
	if !NeedsEncoding(id.Name) {
		delete(h, HeaderNameEncoded)
	} else {
		h[HeaderNameEncoded] = []string{EncodeName(id.Name)}
	}
	values := []string{id.Name, id.Subject, id.AccessToken, id.IDToken} // one allocation for the four
	for i, name := range [...]string{HeaderName, HeaderSubject, HeaderAccessToken, HeaderIDToken} {
		isToken := i >= 2
		if values[i] == "" || isToken && len(values[i]) > MaxToken {
			delete(h, name)
			continue
		}
		h[name] = values[i : i+1 : i+1]
	}
}

// EncodeName returns a name as HeaderNameEncoded has it: UTF-8, with percent escapes for everything but letters, digits,
// "-", "_", "." and "~" (RFC 3986, section 2.3).
func EncodeName(name string) string { return strings.ReplaceAll(url.QueryEscape(name), "+", "%20") }

// NeedsEncoding reports whether a name is not ASCII, so that it has to go out as HeaderNameEncoded too.
func NeedsEncoding(name string) bool {
	for i := range len(name) {
		if name[i] >= 0x80 {
			return true
		}
	}
	return false
}

// Clean reports whether s may stand in an identity header: no control character, which a header cannot carry
// and an app may take for the start of something else.
func Clean(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 })
}
