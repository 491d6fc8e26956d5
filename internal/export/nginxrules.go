package export

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// location is one part of the app, as matched by nginx.
type location struct {
	Match    string         // "=", "~", "~*", or "" for the catch-all
	Path     string         // or a regular expression
	Feature  config.Feature // whose password is required; "" for none
	PassFile string         // file with the password
	Written  string         // regular expression for the start of a public target: nginx may decode what the app does not
}

// locations are the parts of c in nginx's order: exact paths, then regular expressions for the prefixes, longest
// first, then the catch-all. A protected prefix matches case-insensitively, a public one exactly, so that a
// framework that treats /API as /api does not expose it.
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
	slices.SortStableFunc(prefixes, func(a, b location) int { return length[b.Path] - length[a.Path] }) // protected ones first among equals
	rest := location{Path: "/"}
	if c.HasPassword(config.MainApp) {
		rest.Feature = config.MainApp
	}
	return slices.Compact(slices.Concat(exact, prefixes, []location{rest}))
}

// written is a regular expression for a path without redundant escapes.
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

// targets decides which request targets mean the same to nginx and to every app: the first expression that matches
// decides, case-insensitively, and anything else is refused. These are authproxy's rules as regular expressions:
// no empty or dot segments, no escaped separators or control characters, nothing that can be decoded twice, no
// path parameters, only UTF-8.
func targets() []target {
	const (
		start  = `^\S+ `
		path   = `[^ ?]*`
		plain  = `[!\x22$&-:<->@-\[\]-~]*` // visible ASCII without # % ; ? and the backslash
		x      = `[0-9a-f]`
		tail   = `%[89ab]` + x // one multi-byte character
		ascii  = `2[0-24-9a-e]|3[0-9ac-e]|[46]` + x + `|5[0-9abd-f]|7[0-9a-e]`
		two    = `c[2-9a-f]` + tail + `|d` + x + tail
		three  = `e0%[ab]` + x + tail + `|e[1-9a-cef]` + tail + tail + `|ed%[89]` + x + tail
		four   = `f0%[9ab]` + x + tail + tail + `|f[1-3]` + tail + tail + tail + `|f4%8` + x + tail + tail
		escape = `%(?:` + ascii + `|` + two + `|` + three + `|` + four + `)`
		query  = `\?[^\x00-\x20#\x7f]*`
	)
	return []target{
		{"an empty or dot segment, or one that Windows treats as such", start + path + `/(?:/|(?:\.|%2e){1,2}(?:%20)*[/? ])`, false},
		{"double encoding", start + path + `%25(?:` + x + `|%3[0-9]|%[46][1-6]){2}`, false},
		{"everything that can be read in one way only", start + `/` + plain + `(?:` + escape + plain + `)*(?:` + query + `)? HTTP/[0-9.]+$`, true},
	}
}

// nameTargets are the targets if one password protects everything, so that file names may contain escaped
// separators: again authproxy's rules.
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
		{"a dot segment, with any separator", start + path + separator + `(?:\.|%2e){1,2}(?:%20)*(?:;|%3b|` + separator + `|[? ])`, false},
		{"everything else without control characters and spaces", start + `/(?:` + plain + `|` + escape + `)*(?:` + query + `)? HTTP/[0-9.]+$`, true},
	}
}

// target is one expression for request lines.
type target struct {
	About, Expression string
	Clear             bool // whether matching targets are allowed
}
