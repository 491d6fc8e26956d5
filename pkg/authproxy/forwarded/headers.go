package forwarded

import (
	"net/http"
	"strings"
)

// headers is what a proxy in front says about a request.
type headers struct {
	chain       []string // addresses, that of the client first
	proto, host string   // as the outermost proxy saw them; empty if unknown
}

// headersOf reads X-Forwarded-For, -Proto and -Host. Forwarded (RFC 7239) counts only without them: proxies that write them
// pass on the client's Forwarded.
func headersOf(h http.Header) (f headers) {
	chain, proto, host := h["X-Forwarded-For"], h["X-Forwarded-Proto"], h["X-Forwarded-Host"]
	if chain == nil && proto == nil && host == nil {
		return parseForwarded(strings.Join(h["Forwarded"], ","))
	}
	f.chain = strings.Split(strings.Join(chain, ","), ",")
	f.proto, f.host = outermost(proto), outermost(host)
	return f
}

// outermost returns the first item of a header's list; empty if the header is duplicated, since one of the two may
// be the client's.
func outermost(lines []string) string {
	if len(lines) != 1 {
		return ""
	}
	first, _, _ := strings.Cut(lines[0], ",")
	return strings.TrimSpace(first)
}

// parseForwarded reads the elements of a Forwarded header up to the first that is malformed.
func parseForwarded(list string) (f headers) {
	first := true
	for list != "" {
		element := map[string]string{}
		for more := true; more; {
			var name, value string
			var ok bool
			if name, value, list, ok = cutParameter(list); !ok {
				return f
			}
			element[strings.ToLower(name)] = value
			list, more = strings.CutPrefix(list, ";")
		}
		if first {
			f.proto, f.host, first = element["proto"], element["host"], false
		}
		f.chain = append(f.chain, element["for"])
		var another bool
		if list, another = strings.CutPrefix(strings.TrimLeft(list, " \t"), ","); !another {
			return f
		}
	}
	return f
}

// cutParameter takes name=value, or name="value", off the front of a list.
func cutParameter(list string) (name, value, rest string, ok bool) {
	name, rest, ok = strings.Cut(strings.TrimLeft(list, " \t"), "=")
	if !ok {
		return "", "", "", false
	}
	quoted, isQuoted := strings.CutPrefix(rest, `"`)
	if !isQuoted {
		end := strings.IndexAny(rest, ";, \t")
		if end < 0 {
			end = len(rest)
		}
		return name, rest[:end], rest[end:], true
	}
	var b strings.Builder
	for i := 0; i < len(quoted); i++ {
		switch c := quoted[i]; {
		case c == '"':
			return name, b.String(), quoted[i+1:], true
		case c == '\\' && i+1 < len(quoted):
			i++
			b.WriteByte(quoted[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}
