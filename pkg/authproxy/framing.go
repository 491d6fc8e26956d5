package authproxy

import (
	"net/http"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/pages"
)

// frame limits what the body of an HTTP/1 request can do to its connection (security classes 14 and 21). HTTP/2 has frames
// of its own.
func (p *Proxy) frame(w http.ResponseWriter, r *http.Request, c *connection) {
	if r.ProtoMajor != 1 {
		return
	}
	// A proxy in front may frame a body differently if it has both Content-Length and Transfer-Encoding, or Transfer-Encoding
	// in HTTP/1.0. After these RFC 9112, section 6.1, requires that the connection is closed. net/http hides which
	// requests these were, so it is closed after all that may have been. Browsers send none of them.
	if r.ProtoMinor == 0 || r.TransferEncoding != nil {
		w.Header()["Connection"] = []string{"close"}
	}
	if r.ContentLength != 0 { // net/http reads what no handler has read; handlers that read a body set their own limits
		pages.LimitUnreadBody(w, p.now())
		c.linger() // in case the response is sent before the end of the body
	}
}
