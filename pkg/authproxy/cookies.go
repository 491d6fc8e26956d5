package authproxy

import (
	"net/http"
	"time"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/cookie"
)

// maxCandidates is how many cookies of one name are looked up, of those that may be a session's. A neighbour can inject
// one for each domain and path that a request is below, which are fewer.
const maxCandidates = 32

func (p *Proxy) setCookie(h http.Header, k cookie.Kind, value string, https bool, maxAge time.Duration) {
	p.cookies.Set(h, p.cookies.Name(k, https), value, https, maxAge)
}

// cookie returns the value of a Set-Cookie header. An empty value deletes the cookie.
func (p *Proxy) cookie(k cookie.Kind, value string, https bool, maxAge time.Duration) string {
	return p.cookies.Line(p.cookies.Name(k, https), value, https, maxAge)
}

// signedCookie returns what a cookie says that we have signed for a purpose, whatever else the client sent under its
// name. sent tells that there was something.
func (p *Proxy) signedCookie(r *http.Request, x *exchange, k cookie.Kind, purpose string) (said string, sent, ok bool) {
	for _, c := range r.CookiesNamed(p.cookies.Name(k, x.https)) {
		sent = true
		if said, ok = x.policy.signer.Verify(purpose, c.Value); ok {
			return said, true, true
		}
	}
	return "", sent, false
}
