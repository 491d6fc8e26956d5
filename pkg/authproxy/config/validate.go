package config

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ploomber/ploomber-cloud/pkg/authproxy/target"
)

// Validate returns a *Error with everything that is wrong with c, or nil.
func (c Config) Validate() error {
	var m mistakes
	c = c.WithDefaults()
	c.check(&m)
	return m.err()
}

// Complete returns c with its defaults filled in, ready for a proxy. Besides what Validate checks, a login at a provider
// needs to know where browsers find the app: guessing it from what they send would send codes anywhere (security class
// 19).
func (c Config) Complete() (Config, error) {
	if err := c.Validate(); err != nil {
		return c, err
	}
	if len(c.Providers) > 0 && c.BaseURL == nil {
		return c, Errorf(EnvBaseURL, "is missing: a login at a provider needs the address of the app, such as https://app.example.com")
	}
	return c.WithDefaults(), nil
}

func (c Config) check(m *mistakes) {
	c.checkPasswords(m)
	c.checkUsers(m)
	c.checkProviders(m)
	c.checkAccess(m)
	c.checkPaths(m)
	for _, secret := range c.Secrets {
		if err := checkSecret(secret.Reveal()); err != nil {
			m.addf(EnvSecret, "%w", err)
		}
		if name := c.alsoSecret(secret); name != "" {
			m.addf(EnvSecret, "is the same as %s; a secret is good for one purpose", name)
		}
	}
	if c.BaseURL != nil {
		if err := checkBaseURL(c.BaseURL); err != nil {
			m.addf(EnvBaseURL, "%w", err)
		}
	}
	if c.StripBasePath && c.BasePath() == "" {
		m.addf(EnvStripBasePath, "means something only with a path in %s", EnvBaseURL)
	}
	if c.PostLogoutRedirect != "" {
		if err := checkRedirect(c.PostLogoutRedirect); err != nil {
			m.addf(EnvPostLogoutRedirect, "%w", err)
		}
	}
	c.checkPages(m)
	c.checkTrusted(m)
	if c.SessionIdle <= 0 || c.SessionLifetime <= 0 {
		m.addf(EnvSessionIdle, "must be greater than zero")
	}
	if !c.HasPasswords() && len(c.Providers) == 0 && !c.Public {
		*m = append(*m, Mistake{Err: ErrUnprotected})
	}
}

// Open tells whether the app itself, but for features of it, is there for everybody.
func (c Config) Open() bool {
	_, password := c.Passwords[MainApp]
	_, hasFile := c.Users[MainApp]
	return !password && !hasFile && len(c.Providers) == 0
}

func (c Config) checkPasswords(m *mistakes) {
	if !slices.Contains([]Mode{ModeAuto, ModeBasic, ModeForm}, c.PasswordMode) {
		m.addf(EnvPasswordMode, "%q is not one of auto, basic, form", c.PasswordMode)
	}
	for feature, login := range c.Passwords {
		if !slices.Contains(Features(), feature) {
			m.addf(string(feature), "no such feature")
			continue
		}
		if login.Username == "" {
			m.addf(usernameKey(feature), "%w", errMissing)
		} else if err := checkUsername(login.Username); err != nil {
			m.addf(usernameKey(feature), "%w", err)
		}
		switch {
		case login.Password == "":
			m.addf(passwordKey(feature), "%w", errMissing)
		case !utf8.ValidString(login.Password.Reveal()):
			m.addf(passwordKey(feature), "is not UTF-8")
		case len(login.Password) > 1024:
			m.addf(passwordKey(feature), "is longer than 1024 bytes")
		}
	}
}

func (c Config) checkPaths(m *mistakes) {
	for name, path := range map[string]string{EnvAnalyticsPath: c.AnalyticsPath, EnvAPIPath: c.APIPath} {
		if err := checkPath(path); err != nil || path == "/" || strings.HasSuffix(path, "/") {
			m.addf(name, "%q must start with / and have no / at the end", path)
		}
	}
	if strings.EqualFold(c.AnalyticsPath, c.APIPath) {
		m.addf(EnvAnalyticsPath, "is the same as %s", EnvAPIPath)
	}
	for _, path := range c.PublicPaths {
		if err := checkPath(path); err != nil {
			m.addf(EnvPublicPaths, "%q: %w", path, err)
		}
		if path == "/" {
			m.addf(EnvPublicPaths, "/ would open everything")
		}
		if c.owns(path) {
			m.addf(EnvPublicPaths, "%q belongs to the login, not to the app", path)
		}
	}
}

// owns reports whether a path is answered by us, whatever the app has there.
func (c Config) owns(path string) bool {
	own := []string{target.Logout, target.Exit, target.Status}
	if len(c.Providers) > 0 {
		own = append(own, target.Callback)
	}
	return slices.Contains(own, path) || target.BelowReserved(path)
}

// checkPath accepts a path that is its own normal form, so that it can be compared with what is forwarded.
func checkPath(path string) error {
	if !strings.HasPrefix(path, "/") {
		return errors.New("must start with /")
	}
	if strings.ContainsAny(path, "*?#;%\\") {
		return errors.New("must be a plain path, without patterns or escapes")
	}
	if _, err := target.Parse(path); err != nil {
		return err
	}
	return nil
}

func checkBaseURL(u *url.URL) error {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q must start with https:// or http://", u.Redacted())
	case u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("%q has no host", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return fmt.Errorf("%q must be scheme, host and maybe a path", u.Redacted())
	case strings.ContainsFunc(u.Host, func(r rune) bool { return !inDomain(r) && !strings.ContainsRune("_:[]", r) }):
		return fmt.Errorf("%q has an invalid host name (write an international one in its xn-- form)", u.Redacted())
	case strings.HasSuffix(u.Host, ":") || u.Port() != "" && !isPort(u.Port()): // browsers would write it otherwise, as an origin
		return fmt.Errorf("%q has a port that is not from 1 to 65535", u.Redacted())
	}
	if err := checkBasePath(u.EscapedPath()); err != nil {
		return fmt.Errorf("%q %w", u.Redacted(), err)
	}
	return nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// checkRedirect accepts a web address or a path of the app.
func checkRedirect(address string) error {
	if target.Local(address, target.Parse) == address {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return errors.New("must be an http(s) URL or a path that starts with one /")
	}
	return nil
}
