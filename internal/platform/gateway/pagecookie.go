package gateway

import (
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
)

// pageCookie says which versions of an app a browser has pages of: the ID of the browser, and numbers of deployments, that
// of the latest page first, with dots between them. The ID is random and means nothing beyond this app.
type pageCookie struct {
	browser string
	numbers []int
}

const (
	browserID = 12 // bytes of the ID in base64url
	maxPages  = 4  // numbers in the cookie
)

func parsePageCookie(value string) (c pageCookie, ok bool) {
	browser, rest, _ := strings.Cut(value, ".")
	if len(browser) != browserID {
		return pageCookie{}, false
	}
	c.browser = browser
	for text := range strings.SplitSeq(rest, ".") {
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 || len(c.numbers) == maxPages {
			return pageCookie{}, false
		}
		c.numbers = append(c.numbers, n)
	}
	return c, true
}

func (c pageCookie) String() string {
	var b strings.Builder
	b.WriteString(c.browser)
	for _, n := range c.numbers {
		b.WriteString("." + strconv.Itoa(n))
	}
	return b.String()
}

// with returns the cookie after a page of a deployment was opened. Of the others only those that are still there stay.
func (c pageCookie) with(number int, there []int) pageCookie {
	numbers := []int{number}
	for _, n := range c.numbers {
		if n != number && slices.Contains(there, n) && len(numbers) < maxPages {
			numbers = append(numbers, n)
		}
	}
	return pageCookie{c.browser, numbers}
}

// pagesOf returns the cookie of a request. A value of another form counts as none.
func (p *project) pagesOf(r *http.Request) pageCookie {
	jar := cookie.NewJar("", "")
	for _, sent := range r.CookiesNamed(jar.Name(cookie.Pages, p.https)) {
		if c, ok := parsePageCookie(sent.Value); ok {
			return c
		}
	}
	return pageCookie{}
}

// setPages tells the browser which pages it has.
func (p *project) setPages(h http.Header, c pageCookie) {
	if c.browser == "" {
		id := make([]byte, base64.RawURLEncoding.DecodedLen(browserID))
		if _, err := io.ReadFull(p.gateway.o.Random, id); err != nil {
			return // the browser gets the current version for everything
		}
		c.browser = base64.RawURLEncoding.EncodeToString(id)
	}
	const untilTheBrowserCloses = time.Duration(0)
	jar := cookie.NewJar("", "")
	jar.Set(h, jar.Name(cookie.Pages, p.https), c.String(), p.https, untilTheBrowserCloses)
}

// confineCookies keeps the cookies of an app from other apps: one for the whole domain would be sent to all of them.
func confineCookies(h http.Header) {
	for i, line := range h["Set-Cookie"] {
		if strings.Contains(strings.ToLower(line), "domain") {
			h["Set-Cookie"][i] = withoutDomain(line)
		}
	}
}

// withoutDomain removes the attribute Domain from a Set-Cookie header.
func withoutDomain(line string) string {
	parts := strings.Split(line, ";")
	kept := parts[:1]
	for _, part := range parts[1:] {
		if name, _, _ := strings.Cut(part, "="); !strings.EqualFold(strings.TrimSpace(name), "domain") {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ";")
}
