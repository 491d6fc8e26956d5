package authproxy

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/oidc"
)

// hostPrefix begins the names of our cookies on https: a browser accepts it only from this very host, so that no
// sibling domain can plant one (security class 10).
const hostPrefix = "__Host-"

// securePrefix is for cookies below a base path, which hostPrefix has no place for: they are of https at least.
const securePrefix = "__Secure-"

// kind is what a cookie of ours is for. Those of logins under way are in transactions.go.
type kind int

const (
	cookieSession kind = iota
	cookieLogin        // ties a browser to its login pages
	cookieDenied       // at which provider the account is that was not let in
	kinds
)

// cookiesBegin begins the names of all our cookies, and besides maybe of the app's.
const cookiesBegin = "ploomber_"

func bases() [kinds]string {
	return [kinds]string{cookiesBegin + "session", cookiesBegin + "login", cookiesBegin + "denied"}
}

// cookieNames are the names of each kind, on plain connections and on encrypted ones.
type cookieNames [kinds][2]string

// makeCookieNames adds a suffix, which keeps apps on ports of one host apart, since browsers do not.
func makeCookieNames(prefix, suffix string) (names cookieNames) {
	for i, base := range bases() {
		names[i] = [2]string{base + suffix, prefix + base + suffix}
	}
	return names
}

func (p *Proxy) cookieName(k kind, https bool) string {
	if https {
		return p.cookieNames[k][1]
	}
	return p.cookieNames[k][0]
}

// maxCandidates is how many cookies of one name are looked up, of those that may be a session's. A neighbour can plant
// one for each domain and path that a request is below, which are fewer.
const maxCandidates = 32

func (p *Proxy) setCookie(h http.Header, k kind, value string, https bool, maxAge time.Duration) {
	h.Add("Set-Cookie", p.cookie(k, value, https, maxAge))
}

// cookie returns the value of a Set-Cookie header. An empty value deletes the cookie.
func (p *Proxy) cookie(k kind, value string, https bool, maxAge time.Duration) string {
	c := http.Cookie{Name: p.cookieName(k, https), Value: value, Path: p.cookiePath, HttpOnly: true, Secure: https,
		SameSite: http.SameSiteLaxMode, MaxAge: int(maxAge / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// signedCookie returns what a cookie says that we have signed for a purpose, whatever else the visitor sent under its
// name. sent tells that there was something.
func (p *Proxy) signedCookie(r *http.Request, x *exchange, k kind, purpose string) (said string, sent, ok bool) {
	for _, c := range r.CookiesNamed(p.cookieName(k, x.https)) {
		sent = true
		if said, ok = x.policy.signer.Verify(purpose, c.Value); ok {
			return said, true, true
		}
	}
	return "", sent, false
}

// dropCookies removes our cookies, of whatever spelling, from what the app gets to see. The app's own stay byte for byte:
// net/http would leave out those with a value that it takes for invalid, such as JSON.
func dropCookies(h http.Header) {
	lines := h["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if !strings.Contains(line, cookiesBegin) {
			kept = append(kept, line)
			continue
		}
		var others strings.Builder
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			if key, _, _ := strings.Cut(pair, "="); pair == "" || ownsCookie(key) {
				continue
			}
			if others.Len() == 0 {
				others.Grow(len(line))
			} else {
				others.WriteString("; ")
			}
			others.WriteString(pair)
		}
		if others.Len() > 0 {
			kept = append(kept, others.String())
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

// ownsCookie knows our cookies with any suffix: a session at the proxy on the next port is not the app's business.
func ownsCookie(name string) bool {
	name = strings.TrimSpace(name)
	name = strings.TrimPrefix(strings.TrimPrefix(name, hostPrefix), securePrefix)
	if strings.HasPrefix(name, oidc.CookiePrefix) {
		return true
	}
	for _, base := range bases() {
		if rest, ok := strings.CutPrefix(name, base); ok && (rest == "" || rest[0] == '_') {
			return true
		}
	}
	return false
}

// dropSetCookies keeps the app from replacing a session of ours with one of its own making. A cookie without a name
// is sent back as its value alone, which may look like one with a name.
func dropSetCookies(h http.Header) {
	if values, ok := h["Set-Cookie"]; ok {
		h["Set-Cookie"] = slices.DeleteFunc(values, func(value string) bool {
			name, _, _ := strings.Cut(strings.TrimLeft(value, "= \t"), "=")
			return ownsCookie(name)
		})
	}
}
