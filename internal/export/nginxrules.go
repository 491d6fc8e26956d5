package export

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// location is one part of the app as nginx tells parts apart.
type location struct {
	Match    string         // "=", "~", "~*", or "" for the one that takes the rest
	Path     string         // or an expression
	Feature  config.Feature // whose password opens it; "" for nobody's
	PassFile string         // where the password is
	Written  string         // expression for the start of a public target: nginx decodes what an app may not
}

// locations are the parts of c in nginx's order: exact paths first, then the expressions one after the other,
// which are the prefixes with the longest first, then the rest. A guarded prefix matches in any case of letters
// and a public one as written, so that a framework that takes /API for /api finds it closed.
func locations(c config.Config) []location {
	var exact, prefixes []location
	length := map[string]int{}
	add := func(l location, prefix string) {
		length[l.Path] = len(prefix)
		prefixes = append(prefixes, l)
	}
	for _, part := range []struct {
		feature config.Feature
		path    string
	}{{config.API, c.APIPath}, {config.Analytics, c.AnalyticsPath}} {
		if c.HasPassword(part.feature) {
			add(location{Match: "~*", Path: "^" + regexp.QuoteMeta(part.path) + "(?:/|$)", Feature: part.feature}, part.path)
		}
	}
	for _, path := range c.PublicPaths {
		if below, ok := strings.CutSuffix(path, "/"); ok {
			add(location{Match: "~", Path: "^" + regexp.QuoteMeta(path), Written: "^" + written(path)}, below)
		} else {
			exact = append(exact, location{Match: "=", Path: path, Written: "^" + written(path) + `(?:\?|$)`})
		}
	}
	slices.SortStableFunc(prefixes, func(a, b location) int { return length[b.Path] - length[a.Path] }) // closed first among equals
	rest := location{Path: "/"}
	if c.HasPassword(config.MainApp) {
		rest.Feature = config.MainApp
	}
	return slices.Compact(slices.Concat(exact, prefixes, []location{rest}))
}

// written is an expression for a path in which nothing is escaped that need not be.
func written(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		escape := fmt.Sprintf("(?i:%%%02x)", c)
		switch plain := regexp.QuoteMeta(string(rune(c))); {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~/!$&'()*+,;=:@", c) >= 0:
			b.WriteString(plain)
		case c == '%' || c <= ' ' || c >= 0x7f: // never as it is
			b.WriteString(escape)
		default:
			b.WriteString("(?:" + plain + "|" + escape + ")")
		}
	}
	return b.String()
}

// targets says of which request lines the path means the same to nginx and to every app: the first expression
// that matches decides, in any case of letters, and what none matches is refused. It is authproxy's rule, in
// expressions: no empty or dot segments, no escaped separators or controls, nothing that can be decoded twice, no
// path parameters, and nothing that is not UTF-8.
func targets() []target {
	const (
		start  = `^\S+ `
		path   = `[^ ?]*`
		plain  = `[!\x22$&-:<->@-\[\]-~]*` // visible ASCII without # % ; ? and the backslash
		x      = `[0-9a-f]`
		tail   = `%[89ab]` + x // of a character of several bytes
		ascii  = `2[0-24-9a-e]|3[0-9ac-e]|[46]` + x + `|5[0-9abd-f]|7[0-9a-e]`
		two    = `c[2-9a-f]` + tail + `|d` + x + tail
		three  = `e0%[ab]` + x + tail + `|e[1-9a-cef]` + tail + tail + `|ed%[89]` + x + tail
		four   = `f0%[9ab]` + x + tail + tail + `|f[1-3]` + tail + tail + tail + `|f4%8` + x + tail + tail
		escape = `%(?:` + ascii + `|` + two + `|` + three + `|` + four + `)`
		query  = `\?[^\x00-\x20#\x7f]*`
	)
	return []target{
		{"an empty or a dot segment, or one that Windows takes for that", start + path + `/(?:/|(?:\.|%2e){1,2}(?:%20)*[/? ])`, false},
		{"an escaped escape", start + path + `%25(?:` + x + `|%3[0-9]|%[46][1-6]){2}`, false},
		{"anything that is written in one way only", start + `/` + plain + `(?:` + escape + plain + `)*(?:` + query + `)? HTTP/[0-9.]+$`, true},
	}
}

// nameTargets are the targets where one password covers everything, so that names of files may hold escaped separators:
// again authproxy's rule.
func nameTargets() []target {
	const (
		start     = `^\S+ `
		path      = `[^ ?]*`
		separator = `(?:/|%2f|%5c)`
		plain     = `[!\x22$&->@-\[\]-~]` // visible ASCII without # % ? and the backslash
		escape    = `%(?:[2-689a-f][0-9a-f]|7[0-9a-e])`
		query     = `\?[^\x00-\x20#\x7f]*`
	)
	return []target{
		{"an empty segment", start + path + `//`, false},
		{"a dot segment, however it is separated", start + path + separator + `(?:\.|%2e){1,2}(?:%20)*(?:;|%3b|` + separator + `|[? ])`, false},
		{"no controls and no spaces", start + `/(?:` + plain + `|` + escape + `)*(?:` + query + `)? HTTP/[0-9.]+$`, true},
	}
}

// target is one expression for request lines.
type target struct {
	About, Expression string
	Clear             bool // what matches is let through
}
