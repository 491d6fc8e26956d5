package upstream

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// response is the header of a response, and how its body ends.
type response struct {
	code   int
	fields []field
	body   framing
	length int64 // of the body, where body is sized
	keep   bool  // the connection can be used again
}

type field struct{ name, value string }

// framing says how the end of a body is found (RFC 9112, section 6.3).
type framing int

const (
	noBody framing = iota
	sized
	chunked
	untilClose
)

// readHeader reads the header of a response to a request with that method. It holds until the next is read.
func (c *conn) readHeader(method string) (*response, error) {
	first := true
	for searched := 0; ; {
		if end := headerEnd(c.buffered()[searched:]); end >= 0 {
			end += searched
			text := string(c.buffered()[:end])
			c.r += end
			return c.parseHeader(text, method)
		}
		searched = max(0, len(c.buffered())-3) // an end may lie across two reads
		switch err := c.fill(); {
		case err == nil:
			first = false
		case errors.Is(err, errBufferFull) && c.growBuffer(maxHeader):
		case errors.Is(err, errBufferFull):
			return nil, fmt.Errorf("%w: header of more than %d bytes", ErrMalformed, maxHeader)
		case first && len(c.buffered()) == 0:
			return nil, stale(err)
		default:
			return nil, fmt.Errorf("%w: the header breaks off: %w", ErrMalformed, err)
		}
	}
}

// headerEnd returns where the empty line ends, or -1. Lines may end in a bare LF, as textproto has it.
func headerEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
		switch rest := b[at:]; {
		case len(rest) > 0 && rest[0] == '\n':
			return at + 1
		case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n':
			return at + 2
		}
	}
}

// parseHeader takes the header apart; the result holds until the next. What two readers could understand differently is refused: folded lines,
// spaces around names, control characters, two lengths, or a length beside an encoding.
func (c *conn) parseHeader(text, method string) (*response, error) {
	line, rest := cutLine(text)
	code, minor, err := parseStatus(line)
	if err != nil {
		return nil, err
	}
	c.last = response{code: code, fields: slices.Grow(c.last.fields[:0], strings.Count(rest, "\n")), length: -1, keep: minor == 1}
	h := &c.last
	var encodings []string
	for {
		if line, rest = cutLine(rest); line == "" {
			break
		}
		f, err := c.parseField(line)
		if err != nil {
			return nil, err
		}
		switch f.name {
		case "Content-Length":
			n, err := parseLength(f.value)
			if err != nil || h.length >= 0 && h.length != n {
				return nil, fmt.Errorf("%w: header Content-Length is not a number, or has two values", ErrMalformed)
			}
			if h.length >= 0 {
				continue // the same again
			}
			h.length = n
		case "Transfer-Encoding":
			encodings = append(encodings, f.value)
		case "Connection":
			h.connection(f.value, minor)
		}
		h.fields = append(h.fields, f)
	}
	return h, h.frame(encodings, minor, method)
}

func (h *response) connection(value string, minor int) {
	for option := range strings.SplitSeq(value, ",") {
		switch option = strings.TrimSpace(option); {
		case strings.EqualFold(option, "close"):
			h.keep = false
		case strings.EqualFold(option, "keep-alive") && minor == 0:
			h.keep = true
		}
	}
}

func (h *response) frame(encodings []string, minor int, method string) error {
	switch {
	case len(encodings) > 0 && (len(encodings) > 1 || !strings.EqualFold(encodings[0], "chunked")):
		return fmt.Errorf("%w: header Transfer-Encoding is something else than chunked, once", ErrMalformed)
	case len(encodings) > 0 && (h.length >= 0 || minor == 0):
		return fmt.Errorf("%w: transfer encoding with a length or in HTTP/1.0", ErrMalformed)
	case h.code < 200 || h.code == http.StatusNoContent || h.code == http.StatusNotModified || method == http.MethodHead:
		h.body = noBody
		// Apps that send a body where none is allowed are common, and it may arrive when another request is waiting. Only 304 is too
		// common for a new connection after each, and apps that send a body with it mostly say so.
		silent := h.code == http.StatusNotModified && method != http.MethodHead && h.length <= 0 && len(encodings) == 0
		h.keep = h.keep && silent
	case len(encodings) > 0:
		h.body = chunked
	case h.length >= 0:
		h.body = sized
	default:
		h.body, h.keep = untilClose, false
	}
	return nil
}

// into adds what concerns more than the connection to out.
func (h *response) into(out http.Header) {
	var named []string // by Connection
	for _, f := range h.fields {
		if f.name == "Connection" && f.value != "keep-alive" { // which most say, and which names nothing that is passed on
			for option := range strings.SplitSeq(f.value, ",") {
				named = append(named, textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(option)))
			}
		}
	}
	values := make([]string, 0, len(h.fields)) // one allocation for all headers that occur once
	for _, f := range h.fields {
		switch f.name {
		case "Content-Length":
			if h.code < 200 || h.code == http.StatusNoContent {
				continue
			}
		case "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
			continue
		}
		if named != nil && slices.Contains(named, f.name) {
			continue
		}
		if have := out[f.name]; have != nil {
			out[f.name] = append(have, f.value)
			continue
		}
		n := len(values)
		values = append(values, f.value)
		out[f.name] = values[n : n+1 : n+1]
	}
}

// get returns the first value of a header.
func (h *response) get(name string) string {
	for _, f := range h.fields {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// errStatusLine does not show the line: an app that writes a body before the headers has something else in it (security class 22).
var errStatusLine = fmt.Errorf("%w: the first line is not a status line of HTTP/1.0 or HTTP/1.1", ErrMalformed)

func parseStatus(line string) (code, minor int, err error) {
	const start = "HTTP/1."
	if len(line) < len("HTTP/1.1 200") || line[:len(start)] != start || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return 0, 0, errStatusLine
	}
	minor = int(line[7] - '0')
	for _, c := range []byte(line[9:12]) {
		if c < '0' || c > '9' {
			return 0, 0, errStatusLine
		}
		code = 10*code + int(c-'0')
	}
	if minor != 0 && minor != 1 || code < 100 || hasControl(line) {
		return 0, 0, errStatusLine
	}
	return code, minor, nil
}

func (c *conn) parseField(line string) (field, error) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 {
		return field{}, fieldFault(line)
	}
	name, ok := c.names.canonical(line[:colon])
	if !ok {
		return field{}, fieldFault(line)
	}
	value := trimSpace(line[colon+1:])
	if hasControl(value) {
		return field{}, fmt.Errorf("%w: %s has a control character", ErrMalformed, fieldName(name))
	}
	return field{name, value}, nil
}

// fieldFault says what is wrong with a line of a header without showing what is in it (security class 22).
func fieldFault(line string) error {
	name, _, colon := strings.Cut(line, ":")
	bare := strings.TrimRight(name, " \t")
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return fmt.Errorf("%w: a header is folded over several lines", ErrMalformed)
	case !colon:
		return fmt.Errorf("%w: a line of the header has no colon", ErrMalformed)
	case bare == "":
		return fmt.Errorf("%w: a header has no name", ErrMalformed)
	case bare != name:
		return fmt.Errorf("%w: %s has white space before the colon", ErrMalformed, fieldName(bare))
	default:
		return fmt.Errorf("%w: the name of a header has a character that none may have", ErrMalformed)
	}
}

// fieldName names a header in an error. What does not look like a name may be something else that came to stand there.
func fieldName(name string) string {
	const longest = 40
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}
	if name == "" || len(name) > longest || strings.ContainsFunc(name, odd) {
		return "a header"
	}
	return "header " + textproto.CanonicalMIMEHeaderKey(name)
}

// names remembers the header names of answers, since an app sends the same few again and again. The zero value is ready,
// and safe for concurrent use.
type names struct {
	known  atomic.Pointer[map[string]string] // as they are written -> canonical; replaced, never changed
	adding sync.Mutex
}

const maxNames = 128

// canonical returns the canonical form of a header's name; false if it is not a valid name.
func (n *names) canonical(name string) (string, bool) {
	all := n.all()
	if known, ok := all[name]; ok {
		return known, true
	}
	if !isToken(name) {
		return "", false
	}
	known := textproto.CanonicalMIMEHeaderKey(name)
	if len(all) < maxNames {
		n.add(strings.Clone(name), strings.Clone(known)) // without the rest of their header
	}
	return known, true
}

func (n *names) all() map[string]string {
	if all := n.known.Load(); all != nil {
		return *all
	}
	return nil
}

func (n *names) add(name, canonical string) {
	n.adding.Lock()
	defer n.adding.Unlock()
	more := map[string]string{name: canonical}
	maps.Copy(more, n.all())
	n.known.Store(&more)
}

func parseLength(s string) (int64, error) {
	if s == "" || len(s) > 18 || strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseInt(s, 10, 64)
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}
