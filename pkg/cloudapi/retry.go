package cloudapi

import "net/http"

// repeat says after which failures a request is sent again. Timeouts, refused certificates and 500 are final for all.
type repeat uint8

const (
	// careful: only what was certainly not carried out, i.e. no connection came about, or the platform answered 429
	// or 503 and says when to come back.
	careful repeat = iota
	// resend: careful, and a connection that was lost before the reply. A deployment that is sent twice replaces itself.
	resend
	// always: a request that may be carried out twice. Also after a reply that broke off and after 429, 502, 503, 504.
	always
)

func (r repeat) allows(e *Error) bool {
	switch e.Status {
	case 0:
		return e.unsent || e.lost && r != careful
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return r == always || e.hasWait
	case http.StatusBadGateway, http.StatusGatewayTimeout:
		return r == always
	default:
		return e.lost && r == always
	}
}
