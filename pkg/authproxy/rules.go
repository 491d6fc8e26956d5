package authproxy

import (
	"slices"
	"strings"
)

// area is a part of the app with one way to log in.
type area struct {
	name     string // feature
	path     string // where it begins; "/" for the main app
	password bool   // opened by a password
}

// open reports whether nobody has to log in.
func (a *area) open() bool { return !a.password }

// rules find the area of a path.
type rules struct {
	exact    map[string]*area
	prefixes []prefix // longest first
	rest     *area
}

// prefix is a rule for path and everything below it.
type prefix struct {
	path string
	area *area
}

func newRules(c Config) *rules {
	public := &area{name: "public", path: "/"}
	ru := &rules{exact: map[string]*area{}, rest: &area{name: string(MainApp), path: "/"}}
	_, ru.rest.password = c.Passwords[MainApp]
	for feature, path := range map[Feature]string{API: c.APIPath, Analytics: c.AnalyticsPath} {
		if _, ok := c.Passwords[feature]; ok {
			ru.prefixes = append(ru.prefixes, prefix{path, &area{name: string(feature), path: path, password: true}})
		}
	}
	for _, path := range c.PublicPaths {
		if below, ok := strings.CutSuffix(path, "/"); ok {
			ru.prefixes = append(ru.prefixes, prefix{below, public})
		} else {
			ru.exact[path] = public
		}
	}
	slices.SortFunc(ru.prefixes, func(a, b prefix) int { return len(b.path) - len(a.path) })
	return ru
}

// of returns the area of a decoded path. Where letters decide, the closed side wins: some frameworks take /API
// for /api, so a guarded prefix matches in any case and a public one only as written.
func (ru *rules) of(path string) *area {
	if a, ok := ru.exact[path]; ok {
		return a
	}
	for i := range ru.prefixes {
		if pre := &ru.prefixes[i]; pre.matches(path) {
			return pre.area
		}
	}
	return ru.rest
}

func (pre *prefix) matches(path string) bool {
	n := len(pre.path)
	if len(path) < n || len(path) > n && path[n] != '/' {
		return false
	}
	if pre.area.open() {
		return len(path) > n && path[:n] == pre.path
	}
	return strings.EqualFold(path[:n], pre.path)
}
