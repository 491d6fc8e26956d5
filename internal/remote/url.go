package remote

import (
	"net/url"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// Public is the part of a URL that may be shown: scheme, host and path. The rest may contain a password or a
// token, and so may an unparsable URL, which is only described.
func Public(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return "an invalid URL"
	}
	return public(u)
}

func public(u *url.URL) string {
	return httpclient.OneLine(u.Scheme+"://"+u.Host+u.EscapedPath(), maxReason)
}
