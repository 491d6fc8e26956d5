// Package target reads request targets: the one path that a target means to every server, the paths that belong to the
// proxy itself, and the addresses that a login may lead back to. It knows nothing of rules or of the app.
package target

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// ErrAmbiguous is the error for a target from which two servers may read different paths.
var ErrAmbiguous = errors.New("ambiguous request target")

// ValidHost reports whether a Host, which may be empty, has only characters of a name or address with a port (RFC 3986,
// 3.2.2). Apps put it in front of the path, and would read another path if it had a slash or a question mark. net/http checks
// it for HTTP/1, but not for HTTP/2.
func ValidHost(host string) bool {
	for i := 0; i < len(host); i++ {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && strings.IndexByte("-._~:[]%!$&'()*+,;=", c) < 0 {
			return false
		}
	}
	return true
}

// Parse returns the decoded path of an origin-form request target. It refuses whatever frameworks are
// known to read differently (security class 4): other forms, empty or dot segments, escapes of separators,
// controls and the percent sign, path parameters, backslashes, and bytes that are not UTF-8.
func Parse(target string) (path string, err error) {
	raw, err := pathOf(target)
	if err != nil {
		return "", err
	}
	if path, err = decodePath(raw, false); err != nil {
		return "", err
	}
	for i := 0; i < len(path); i++ { // segments
		if path[i] != '/' {
			continue
		}
		segment, _, more := strings.Cut(path[i+1:], "/")
		if bare := strings.TrimRight(segment, " "); segment == "" && more || bare == "." || bare == ".." { // Windows drops the spaces
			return "", ErrAmbiguous
		}
	}
	return path, nil
}

// ParseFileNames is Parse where it does not matter how a server splits a path: separators and percent signs may be
// escaped, parameters and any bytes be in it. Dot segments, however a server may find them, stay refused, and so do empty
// segments as they are sent, controls and spaces: no name of a file needs them.
func ParseFileNames(target string) (path string, err error) {
	raw, err := pathOf(target)
	if err != nil || strings.Contains(raw, "//") {
		return "", ErrAmbiguous
	}
	if path, err = decodePath(raw, true); err != nil {
		return "", err
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		name, _, _ := strings.Cut(segment, ";")
		if bare := strings.TrimRight(name, " "); bare == "." || bare == ".." {
			return "", ErrAmbiguous
		}
	}
	return path, nil
}

// pathOf returns the path of an origin-form target as it was sent.
func pathOf(target string) (raw string, err error) {
	if target == "" || target[0] != '/' {
		return "", ErrAmbiguous
	}
	raw, query, _ := strings.Cut(target, "?")
	for i := 0; i < len(query); i++ {
		if c := query[i]; c <= ' ' || c == '#' || c == 0x7f {
			return "", ErrAmbiguous
		}
	}
	return raw, nil
}

// decodePath undoes percent escapes. A path without any is returned as it is. names lets pass what only ParseFileNames does.
func decodePath(raw string, names bool) (string, error) {
	escapes := 0
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c <= ' ' || c >= 0x7f || c == '\\' || c == '#' || c == ';' && !names:
			return "", ErrAmbiguous
		case c == '%':
			escapes++
		}
	}
	if escapes == 0 {
		return raw, nil
	}
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c == '%' {
			if i+2 >= len(raw) {
				return "", ErrAmbiguous
			}
			hi, lo := unhex(raw[i+1]), unhex(raw[i+2])
			if hi < 0 || lo < 0 {
				return "", ErrAmbiguous
			}
			c = byte(hi<<4 | lo)
			if c < ' ' || c == 0x7f || !names && strings.IndexByte(`/\#?;`, c) >= 0 {
				return "", ErrAmbiguous
			}
			i += 2
		}
		b.WriteByte(c)
	}
	path := b.String()
	if !names && (!utf8.ValidString(path) || decodesAgain(path)) {
		return "", ErrAmbiguous
	}
	return path, nil
}

// decodesAgain tells "100%" from "%2e", which a second decoding would turn into something else.
func decodesAgain(path string) bool {
	for i := 0; i+2 < len(path); i++ {
		if path[i] == '%' && unhex(path[i+1]) >= 0 && unhex(path[i+2]) >= 0 {
			return true
		}
	}
	return false
}

// IsPlain reports whether c stands in paths as it is (RFC 3986, 3.3), so that nobody has a reason to escape it.
func IsPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/!$&'()*+,;=:@", c) >= 0
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
