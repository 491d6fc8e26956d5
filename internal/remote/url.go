package remote

import (
	"net/url"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Public is what of a URL may be shown: the scheme, the host and the path. The rest may hold a password or a token, and
// so may the whole of what cannot be read; that is described.
func Public(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "an address that is no URL"
	}
	return public(u)
}

func public(u *url.URL) string {
	return httpclient.OneLine(u.Scheme+"://"+u.Host+u.EscapedPath(), maxReason)
}
