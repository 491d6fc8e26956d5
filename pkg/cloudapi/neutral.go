package cloudapi

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"github.com/ploomber/ploomber-cloud/pkg/controls"
)

// neutral removes escape sequences and control characters from the body of a reply, in JSON from its strings. This is the one
// place for everything that the platform says in JSON: names, labels, reasons, addresses, logs. Code that prints or stores it later
// need not think of it.
func neutral(body []byte) []byte {
	if !json.Valid(body) {
		return []byte(controls.Strip(string(body)))
	}
	if !suspicious(body) {
		return body
	}
	var out bytes.Buffer
	for len(body) > 0 {
		begin := bytes.IndexByte(body, '"')
		if begin < 0 {
			break
		}
		out.Write(body[:begin])
		end := begin + literal(body[begin:])
		out.Write(neutralString(body[begin:end]))
		body = body[end:]
	}
	out.Write(body)
	return out.Bytes()
}

// suspicious reports whether the strings of a JSON text may hold what is to be removed: written as an escape, as DEL, or
// as one of U+0080 to U+009F, which begin with this byte.
func suspicious(text []byte) bool {
	return bytes.IndexByte(text, 0x7f) >= 0 || bytes.IndexByte(text, 0xc2) >= 0 || bytes.Contains(text, []byte(`\u`)) ||
		bytes.Contains(text, []byte(`\b`)) || bytes.Contains(text, []byte(`\f`)) || bytes.Contains(text, []byte(`\r`))
}

// literal returns the length of the JSON string at the beginning of text.
func literal(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

func neutralString(quoted []byte) []byte {
	var s string
	if !suspicious(quoted) || json.Unmarshal(quoted, &s) != nil {
		return quoted
	}
	plain := controls.Strip(s)
	if plain == s {
		return quoted
	}
	if !strings.ContainsFunc(s, ofLogs) {
		plain = strings.Map(replaceControl, s)
	}
	return encode(plain)
}

// ofLogs reports whether r is only in the output of programs: a line break, or the begin of an escape sequence (ECMA-48).
func ofLogs(r rune) bool { return r == '\n' || r == '\x1b' || r >= '\u0090' && r <= '\u009f' }

// replaceControl marks where a control character was: a name without it would be another name, which may exist.
func replaceControl(r rune) rune {
	if r != '\t' && unicode.IsControl(r) {
		return unicode.ReplacementChar
	}
	return r
}
