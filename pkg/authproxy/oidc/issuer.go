package oidc

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/httpclient"
)

// NormalIssuer returns the spelling in which issuers are compared: with scheme, host in lower case, without the default
// port and without a trailing slash. Users leave out https://, and providers disagree about the slash. The error says
// what is wrong with typed ("must start with ..."), without quoting it.
func NormalIssuer(typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", errors.New("is missing or empty")
	}
	if !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, err := url.Parse(typed)
	if err != nil {
		return "", errors.New("is not a URL such as https://tenant.example.com/")
	}
	if u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "" {
		return "", errors.New("must be a URL without query and fragment")
	}
	if err := checkURL(u); err != nil {
		return "", err
	}
	return u.Scheme + "://" + normalHost(u) + strings.TrimRight(u.EscapedPath(), "/"), nil
}

func normalHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// checkURL accepts https, and http to this machine.
func checkURL(u *url.URL) error {
	switch {
	case u.Hostname() == "":
		return errors.New("has no host")
	case u.User != nil:
		return errors.New("must not hold a user")
	case strings.ContainsFunc(u.Host, isForeignToHost):
		return errors.New("has an invalid host name (write an international one in its xn-- form)")
	case u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname()):
		return nil
	default:
		return errors.New("must start with https:// (http:// only on this machine)")
	}
}

// isForeignToHost reports whether r is not allowed in a host name, IP address or port (RFC 3986, 3.2.2, without escapes).
func isForeignToHost(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("-._:[]", r)
}

// checkEndpoint accepts an endpoint of a discovery document. The document of a provider elsewhere must not make the proxy
// call services on this machine (security class 18).
func checkEndpoint(name, raw, issuer string) error {
	if raw == "" {
		return fmt.Errorf("%s is missing", name)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Fragment != "" || u.Opaque != "" || hasControl(raw) {
		return fmt.Errorf("%s is not a URL", name)
	}
	if err := checkURL(u); err != nil {
		return fmt.Errorf("%s %q %w", name, httpclient.OneLine(u.Redacted(), maxDescription), err)
	}
	if home, err := url.Parse(issuer); err != nil || isThisMachine(u.Hostname()) && !isThisMachine(home.Hostname()) {
		return fmt.Errorf("%s points to this machine, the issuer does not", name)
	}
	return nil
}

// isThisMachine reports whether a call to a host may reach this machine, in any spelling that a resolver accepts: also
// the unspecified address, a trailing dot, and numbers such as 127.1.
func isThisMachine(host string) bool {
	host = strings.TrimRight(host, ".")
	if IsLoopback(host) {
		return true
	}
	addr, err := netip.ParseAddr(host)
	if err == nil {
		return addr.Unmap().IsUnspecified()
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") || strings.HasPrefix(last, "0X")
}

// IsLoopback reports whether a host of a URL, without port, is this machine.
func IsLoopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
