package authproxy

import (
	"fmt"
	"net/http"
	"strings"
)

// redirect sends the browser on, to an address of ours or the app's where it begins with a slash: below the base path.
func (x *exchange) redirect(w http.ResponseWriter, to string, code int) {
	if strings.HasPrefix(to, "/") {
		to = x.policy.base + to
	}
	redirect(w, to, code)
}

// redirect sends the browser on. Unlike http.Redirect it writes no page with a link to the address, which may hold a
// state or a token, and it leaves the path as it is.
func redirect(w http.ResponseWriter, to string, code int) {
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
