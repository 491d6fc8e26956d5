package authproxy

import (
	"bufio"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"sync"
)

// headerRequestID names a request in the app's log and in ours.
const headerRequestID = "X-Request-Id"

const (
	newRequestID = 16  // random bytes
	maxRequestID = 128 // bytes of one that somebody in front of us has given
)

// requestIDs draws ids. Randomness is read in advance: they need be unique, not secret.
type requestIDs struct {
	mu     sync.Mutex
	random *bufio.Reader
}

func newRequestIDs(random io.Reader) *requestIDs {
	return &requestIDs{random: bufio.NewReaderSize(random, 4<<10)}
}

// of returns the id of a request: the one that it has, if that is fit for a log, else a new one.
func (ids *requestIDs) of(h http.Header) string {
	if given := h[headerRequestID]; len(given) == 1 && isRequestID(given[0]) {
		return given[0]
	}
	var raw [newRequestID]byte
	ids.mu.Lock()
	_, err := io.ReadFull(ids.random, raw[:])
	ids.mu.Unlock()
	if err != nil {
		return "unknown"
	}
	var text [2 * newRequestID]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// aliases reports whether some server takes a header of this name for the one whose name this is in small letters, which
// is not written so itself.
func aliases(name, header, plain string) bool {
	if len(name) < len(plain) || name == header {
		return false
	}
	i := 0
	for j := 0; j < len(name); j++ {
		c := name[j] | 0x20 // lower case
		switch {
		case i < len(plain) && c == plain[i]:
			i++
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			return false
		}
	}
	return i == len(plain)
}

// isRequestID accepts what such ids are usually made of: UUIDs, trace ids, base64.
func isRequestID(s string) bool {
	if s == "" || len(s) > maxRequestID {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '-', c == '_', c == '.', c == ':', c == '/', c == '+', c == '=', c == '@':
		default:
			return false
		}
	}
	return true
}

// note writes a line about a request into the log.
func (p *Proxy) note(r *http.Request, level slog.Level, msg string, attrs ...slog.Attr) {
	if p.log.Enabled(r.Context(), level) {
		p.log.LogAttrs(r.Context(), level, msg, append(attrs, slog.String("request", r.Header.Get(headerRequestID)))...)
	}
}
