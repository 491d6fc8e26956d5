package target

import (
	"net/url"
)

// MaxLocal is the size in bytes of the longest address to return to after a login, as it is and escaped in the address
// of a login page: nginx takes request lines of 8 KB.
const MaxLocal = 6 << 10

// Local returns target if a browser can only read it as a path of this origin, else "/" (security class 6). It must
// start with exactly one slash; backslashes, which browsers turn into slashes, and control characters, which they drop,
// are refused anywhere, as are the proxy's own pages, which would make a loop. parse says which paths are unambiguous:
// Parse, or something more lenient.
func Local(target string, parse func(string) (string, error)) string {
	const home = "/"
	if len(target) == 0 || len(target) > MaxLocal || target[0] != '/' {
		return home
	}
	if len(target) > 1 && target[1] == '/' {
		return home
	}
	for i := 0; i < len(target); i++ {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '\\' || c == '#' {
			return home
		}
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil {
		return home
	}
	path, err := parse(target)
	if err != nil || BelowReserved(path) || path == Logout || path == Exit || path == Callback {
		return home
	}
	return target
}
