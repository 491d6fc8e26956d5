package pages

import (
	"fmt"
	"net/http"
	"strings"
)

// Redirect sends the browser to another address, which is below the base path if it begins with a slash. Unlike
// http.Redirect it writes no page with a link to the address, which may hold a state or a token, and does not clean the
// path.
func (pg *Pages) Redirect(w http.ResponseWriter, to string, code int) {
	if strings.HasPrefix(to, "/") {
		to = pg.base + to
	}
	h := w.Header()
	h.Set("Location", escapeInvalid(to))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Length", "0")
	w.WriteHeader(code)
}

// escapeInvalid escapes the bytes that are not allowed in the Location header.
func escapeInvalid(address string) string {
	invalid := func(c byte) bool { return c <= ' ' || c >= 0x7f }
	n := 0
	for i := range len(address) {
		if invalid(address[i]) {
			n++
		}
	}
	if n == 0 {
		return address
	}
	var b strings.Builder
	b.Grow(len(address) + 2*n)
	for i := range len(address) {
		if c := address[i]; invalid(c) {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
