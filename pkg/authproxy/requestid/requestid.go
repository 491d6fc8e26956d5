// Package requestid names requests, so that one can be found in the app's log and in the proxy's.
package requestid

import (
	"bufio"
	"encoding/hex"
	"io"
	"net/http"
	"sync"
)

// Header holds the id, in a request to the app and in a response of the proxy's own.
const Header = "X-Request-Id"

const (
	newSize = 16  // random bytes
	maxSize = 128 // bytes of one that a proxy in front has given
)

// Generator draws ids. Randomness is read in advance: they have to be unique, not secret. It is safe for concurrent use.
type Generator struct {
	mu     sync.Mutex
	random *bufio.Reader
}

// NewGenerator returns a generator that reads random.
func NewGenerator(random io.Reader) *Generator {
	return &Generator{random: bufio.NewReaderSize(random, 4<<10)}
}

// Of returns the id of a request: the one that it has, if that is fit for a log, else a new one.
func (g *Generator) Of(h http.Header) string {
	if given := h[Header]; len(given) == 1 && valid(given[0]) {
		return given[0]
	}
	var raw [newSize]byte
	g.mu.Lock()
	_, err := io.ReadFull(g.random, raw[:])
	g.mu.Unlock()
	if err != nil {
		return "unknown"
	}
	var text [2 * newSize]byte
	hex.Encode(text[:], raw[:])
	return string(text[:])
}

// Tell puts the id of a request into the header of its response, so that a user can quote it.
func Tell(response, request http.Header) {
	if id := request[Header]; len(id) == 1 && valid(id[0]) {
		response[Header] = id
	}
}

// valid accepts what such ids are usually made of: UUIDs, trace ids, base64.
func valid(s string) bool {
	if s == "" || len(s) > maxSize {
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
