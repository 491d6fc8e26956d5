package config

import (
	"errors"
	"strings"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// BasePath is the path of the base URL without a slash at the end; empty for the whole host.
func (c Config) BasePath() string {
	if c.BaseURL == nil {
		return ""
	}
	return strings.TrimSuffix(c.BaseURL.Path, "/")
}

// checkBasePath accepts a path that everybody reads alike, in addresses and as the Path of a cookie.
func checkBasePath(path string) error {
	path = strings.TrimSuffix(path, "/")
	if path == "" {
		return nil
	}
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("/-._~", r)
	}
	if _, err := target.Parse(path); err != nil || strings.ContainsFunc(path, odd) {
		return errors.New("has a path that is not made of letters, digits, - . _ ~ and single slashes")
	}
	return nil
}

// Origin is what the proxy's own addresses begin with: scheme and host of the base URL, and the base path. There must be
// a base URL.
func (c Config) Origin() string { return c.BaseURL.Scheme + "://" + c.BaseURL.Host + c.BasePath() }
