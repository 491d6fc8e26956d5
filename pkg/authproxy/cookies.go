package authproxy

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/session"
)

// Names of our cookies. On https a browser accepts the __Host- prefix only from this very host, so that no
// sibling domain can plant one (security class 10).
const (
	hostPrefix    = "__Host-"
	cookieSession = "ploomber_session"
	cookieLogin   = "ploomber_login"
)

// maxCandidates is how many cookies of one name are looked at.
const maxCandidates = 4

// cookieName returns the name on this visitor's connection. The suffix keeps apps on ports of one host apart,
// since browsers do not.
func (p *Proxy) cookieName(base string, https bool) string {
	names := &p.cookieNames
	switch {
	case base == cookieSession && https:
		return names[0]
	case base == cookieSession:
		return names[1]
	case https:
		return names[2]
	default:
		return names[3]
	}
}

func makeCookieNames(suffix string) [4]string {
	if suffix != "" {
		suffix = "_" + suffix
	}
	return [4]string{hostPrefix + cookieSession + suffix, cookieSession + suffix, hostPrefix + cookieLogin + suffix, cookieLogin + suffix}
}

func (p *Proxy) setCookie(h http.Header, base, value string, https bool, maxAge time.Duration) {
	c := http.Cookie{Name: p.cookieName(base, https), Value: value, Path: "/", HttpOnly: true, Secure: https,
		SameSite: http.SameSiteLaxMode, MaxAge: int(maxAge / time.Second)}
	if value == "" {
		c.MaxAge = -1
	}
	h.Add("Set-Cookie", c.String())
}

// cookieValues appends what the visitor sent under a name to values, whose capacity is the most that is looked at.
func cookieValues(values []string, h http.Header, name string) []string {
	for _, line := range h["Cookie"] {
		for len(line) > 0 && len(values) < cap(values) {
			var pair string
			pair, line, _ = strings.Cut(line, ";")
			key, value, _ := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if key == name {
				values = append(values, strings.TrimRight(value, " \t"))
			}
		}
	}
	return values
}

// dropCookies removes our cookies, of whatever spelling, from what the app gets to see.
func (p *Proxy) dropCookies(h http.Header) {
	lines := h["Cookie"]
	kept := lines[:0]
	for _, line := range lines {
		if !strings.Contains(line, cookieSession) && !strings.Contains(line, cookieLogin) {
			kept = append(kept, line)
			continue
		}
		var others strings.Builder
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.Trim(pair, " \t")
			if key, _, _ := strings.Cut(pair, "="); pair == "" || p.ownsCookie(key) {
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

func (p *Proxy) ownsCookie(name string) bool {
	return slices.Contains(p.cookieNames[:], strings.TrimSpace(name))
}

// dropSetCookies keeps the app from replacing a session of ours with one of its own making.
func (p *Proxy) dropSetCookies(h http.Header) {
	if values, ok := h["Set-Cookie"]; ok {
		h["Set-Cookie"] = slices.DeleteFunc(values, func(value string) bool {
			name, _, _ := strings.Cut(value, "=")
			return p.ownsCookie(name)
		})
	}
}

// presented returns the ids of the live sessions that the visitor's cookies name. More than one distinct
// session means that at least one cookie was planted. They are in x.found until the next call.
func (p *Proxy) presented(r *http.Request, x *exchange) []*session.Session {
	var values [maxCandidates]string
	found := x.found[:0]
	for _, value := range cookieValues(values[:0], r.Header, p.cookieName(cookieSession, x.https)) {
		id, ok := session.ParseID(value)
		if !ok {
			continue
		}
		s, err := p.store.Use(r.Context(), id.Key(), p.now())
		if err != nil {
			p.logStoreError(r, err)
			continue
		}
		if !slices.ContainsFunc(found, func(other *session.Session) bool { return other.Key == s.Key }) {
			found = append(found, s)
		}
	}
	return found
}
