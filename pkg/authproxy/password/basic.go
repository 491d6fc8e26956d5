package password

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxCredential is the size in bytes of the longest name and password that are looked at.
const maxCredential = 4 << 10

// IsBasic reports whether an Authorization header uses the Basic scheme.
func IsBasic(authorization string) bool {
	const scheme = "basic "
	return len(authorization) >= len(scheme) && strings.EqualFold(authorization[:len(scheme)], scheme)
}

// userPass returns the decoded part of a Basic header, "name:password". Most clients send UTF-8, which the
// challenge asks for (RFC 7617, section 2.1); bytes that are not are taken for ISO 8859-1, which the rest send.
func userPass(authorization string) (string, bool) {
	if !IsBasic(authorization) {
		return "", false
	}
	encoded := strings.Trim(authorization[len("basic "):], " ")
	if len(encoded) > base64.StdEncoding.EncodedLen(maxCredential) {
		return "", false
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		if raw, err = base64.RawStdEncoding.DecodeString(encoded); err != nil {
			return "", false
		}
	}
	if utf8.Valid(raw) {
		return string(raw), strings.IndexByte(string(raw), ':') >= 0
	}
	s := latin1(raw)
	return s, strings.IndexByte(s, ':') >= 0
}

func latin1(raw []byte) string {
	runes := make([]rune, len(raw))
	for i, b := range raw {
		runes[i] = rune(b)
	}
	return string(runes)
}

// looseUserPass decodes what the most forgiving of decoders could take for a Basic header: any separator behind the
// scheme, any characters between those of base64, its other alphabet, too much padding or none, anything behind it.
func looseUserPass(authorization string) []byte {
	const scheme = "basic"
	if len(authorization) < len(scheme) || !strings.EqualFold(authorization[:len(scheme)], scheme) {
		return nil
	}
	encoded := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '+', r == '/', r == '=':
			return r
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return -1
	}, authorization[len(scheme):])
	encoded, _, _ = strings.Cut(strings.TrimLeft(encoded, "="), "=")
	if len(encoded)%4 == 1 {
		encoded = encoded[:len(encoded)-1]
	}
	raw, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return nil
	}
	return raw
}

// split cuts "name:password" behind the name. A name that is known may hold colons itself.
func split(userPass, known string) (name, password string) {
	if rest, ok := strings.CutPrefix(userPass, known); ok && strings.HasPrefix(rest, ":") {
		return known, rest[1:]
	}
	name, password, _ = strings.Cut(userPass, ":")
	return name, password
}
