package authproxy

import (
	"net/url"
	"strings"
)

// maxReturn is the size in bytes of the longest address to return to after a login, as it is and as part of the address
// of a login page: nginx takes request lines of 8 KB.
const maxReturn = 6 << 10

// localTarget returns target if a browser can only read it as a path of this origin, else "/" (security class
// 6). It must start with exactly one slash; backslashes, which browsers turn into slashes, and control
// characters, which they drop, are refused anywhere, as are our own pages, which would make a loop.
func localTarget(target string) string { return localTargetOf(target, parseTarget) }

// localTarget is localTarget for what is let pass to the app.
func (ru *rules) localTarget(target string) string { return localTargetOf(target, ru.parse) }

func localTargetOf(target string, parse func(string) (string, error)) string {
	const home = "/"
	if len(target) == 0 || len(target) > maxReturn || target[0] != '/' {
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
	if err != nil || path == pathPrefix || strings.HasPrefix(path, pathPrefix+"/") ||
		path == pathLogout || path == pathExit || path == pathCallback {
		return home
	}
	return target
}
