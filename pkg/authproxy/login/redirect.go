package login

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/authn"
)

// Redirect sends the browser on; below the base path where the address begins with a slash. Unlike http.Redirect it
// writes no page with a link to the address, which may hold a state or a token, and it leaves the path as it is.
func Redirect(w http.ResponseWriter, pol *authn.Policy, to string, code int) {
	if strings.HasPrefix(to, "/") {
		to = pol.Base + to
	}
	h := w.Header()
	h.Set("Location", visible(to))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Length", "0")
	w.WriteHeader(code)
}

// visible escapes what may not stand in a header.
func visible(address string) string {
	odd := func(c byte) bool { return c <= ' ' || c >= 0x7f }
	n := 0
	for i := range len(address) {
		if odd(address[i]) {
			n++
		}
	}
	if n == 0 {
		return address
	}
	var b strings.Builder
	b.Grow(len(address) + 2*n)
	for i := range len(address) {
		if c := address[i]; odd(c) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
