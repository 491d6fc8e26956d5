package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
)

// frame limits what the body of an HTTP/1 request can do to its connection (security classes 14 and 21). HTTP/2 tells
// what belongs to which request.
func (p *Proxy) frame(w http.ResponseWriter, r *http.Request, c *connection) {
	if r.ProtoMajor != 1 {
		return
	}
	// A length beside an encoding, and an encoding in HTTP/1.0, are framed one way by us and maybe another way by a proxy
	// in front. The server hides both. RFC 9112, section 6.1, has the connection closed after them; so it is after
	// everything that may be one of them, which costs browsers nothing: they use neither.
	if r.ProtoMinor == 0 || r.TransferEncoding != nil {
		w.Header()["Connection"] = []string{"close"}
	}
	if r.ContentLength != 0 { // the server reads what no handler has read; handlers that read set limits of their own
		pages.LimitUnreadBody(w, p.now())
		c.linger() // should the answer come before the end of the body
	}
}
