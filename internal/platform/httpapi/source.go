package httpapi

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// checkSource refuses requests that a web page of another origin makes a browser send. Such a page has no key, but it must not
// even find out what runs here.
//
// The Host header defeats DNS rebinding: for the browser, a page whose own host name has been pointed to this machine shares its
// origin with this API, but the header has that name.
func (a *API) checkSource(r *http.Request) error {
	if !a.ownHost(r.Host) {
		return refuse(http.StatusBadRequest, "Invalid host header")
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin": // no browser, typed by the user, a page of this API
	default:
		return refuse(http.StatusForbidden, "Requests from other web sites are not allowed")
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host || u.Scheme != scheme(r) {
			return refuse(http.StatusForbidden, "Requests from other web sites are not allowed")
		}
	}
	return nil
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

func (a *API) ownHost(hostport string) bool {
	name := hostport
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		name = host
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || slices.Contains(a.Hosts, name) {
		return true
	}
	base, err := url.Parse(a.Base)
	if err != nil {
		return false
	}
	if ip := net.ParseIP(name); ip != nil {
		listens := net.ParseIP(base.Hostname())
		return ip.IsLoopback() || ip.Equal(listens) || listens != nil && listens.IsUnspecified() // DNS cannot make an address of a name
	}
	return name != "" && name == strings.ToLower(base.Hostname())
}
