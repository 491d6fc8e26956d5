package proxycmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/config"
)

// setBase makes sure that a provider's login has a base URL, to which browsers are redirected after the login. The
// proxy's own address is only used if it listens on loopback: deriving the address from request headers would
// allow redirects to any host.
func (o *Options) setBase(c *config.Config, wrong *mistakes, warn func(string)) {
	if len(c.Providers) == 0 || c.BaseURL != nil {
		return
	}
	e, ok := parseEndpoint("listen", o.Listen)
	if !ok {
		return // reported elsewhere
	}
	ip := net.ParseIP(e.host)
	if e.port == 0 || e.host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		wrong.addf("AUTH_BASE_URL", "is missing: a provider's login needs the public address of the app, such as https://app.example.com")
		return
	}
	c.BaseURL = &url.URL{Scheme: "http", Host: net.JoinHostPort(e.host, strconv.Itoa(e.port))}
	if o.TLSCert != "" {
		c.BaseURL.Scheme = "https"
	}
	warn(fmt.Sprintf("AUTH_BASE_URL is not set: the provider redirects back to %s", callback(*c)))
}

// callback is the URL to register with the provider; "" if there is none.
func callback(c config.Config) string {
	if len(c.Providers) == 0 || c.BaseURL == nil {
		return ""
	}
	return c.BaseURL.Scheme + "://" + c.BaseURL.Host + strings.TrimSuffix(c.BaseURL.Path, "/") + "/callback"
}

// cookieSuffixes keep apps on the ports of one host apart, since browsers send cookies to all of them. Where the public
// address is known its port does that, else the port that the proxy listens on. The former suffix is that of cookies
// from before the public address counted.
func cookieSuffixes(base *url.URL, at net.Addr) (suffix, former string) {
	_, listening, err := net.SplitHostPort(at.String())
	if err != nil {
		listening = ""
	}
	if base == nil {
		return listening, ""
	}
	suffix = base.Port()
	switch {
	case suffix != "":
	case base.Scheme == "https":
		suffix = "443"
	default:
		suffix = "80"
	}
	if path := strings.TrimSuffix(base.Path, "/"); path != "" { // cookies of other ports of the host are sent too
		sum := sha256.Sum256([]byte(path))
		suffix += "p" + hex.EncodeToString(sum[:4])
	}
	return suffix, listening
}

// sharedSuffixes returns the cookie suffixes of a process that may share its sessions with others. If only the port that it
// listens on is known, all of them use the suffix that the first one has recorded in the store (docs/decisions/0055).
// Cookies that were named after the own port stay valid.
func (s store) sharedSuffixes(ctx context.Context, base *url.URL, at net.Addr) (suffix, former string, err error) {
	suffix, former = cookieSuffixes(base, at)
	if s.file == nil || base != nil {
		return suffix, former, nil
	}
	shared, err := s.file.Setting(ctx, "cookie suffix", suffix)
	if shared != suffix {
		former = suffix
	}
	return shared, former, err
}
