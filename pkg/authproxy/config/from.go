package config

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Source is where a configuration comes from.
type Source struct {
	// Lookup returns the value of a variable: of the process, then of the env file.
	Lookup func(name string) (value string, ok bool)
	// Names are the names that Lookup knows, those of other programs included; misspelt ones are found among them.
	Names []string
	// Project holds what ploomber-cloud.json says; zero where there is none.
	Project Project
	// Places tells, for those of Names that may be no names but parts of a value, where they stand, such as
	// ".env, line 3". A mistake about one of them shows that in place of the name.
	Places map[string]string
	// ReadFile reads a file that a variable names, for its owner's eyes: no error of it may hold what is in the file. Nil
	// reads none.
	ReadFile func(name string) ([]byte, error)
	// File is the file that Lookup searches besides the environment, for messages about missing variables; it may be "".
	File string
	// Public is what Config.Public becomes: the user says that the app may have no login.
	Public bool
}

// Project is the part of ploomber-cloud.json that is about logins.
type Project struct {
	Template string // "node-auth0" demands a provider
	Logins   map[Feature]LoginRef
}

// LoginRef is "authentication" or "authentication_analytics" of the project file.
type LoginRef struct{ Username, Password Value }

// Value is a literal or the name of the variable that holds it.
type Value struct {
	Literal  Secret
	Variable string
}

// templateOIDC is the template of a project whose login is at a provider.
const templateOIDC = "node-auth0"

// From makes the configuration. The error is a *Error with all mistakes, each with the name of its variable. Unknown AUTH_*
// variables, misspelt names of user names and passwords, incomplete logins and references to missing variables are mistakes
// too, since each would leave something open that was meant to be protected.
func From(s Source) (Config, error) {
	r := reader{Source: s}
	c := Config{
		Public:             s.Public,
		BaseURL:            r.baseURL(),
		StripBasePath:      r.truth(EnvStripBasePath),
		Passwords:          r.passwords(),
		Users:              r.users(),
		PasswordMode:       Mode(strings.ToLower(r.text(EnvPasswordMode))),
		Providers:          r.providers(),
		Access:             r.access(),
		BearerAudience:     r.text(EnvBearerAudience),
		AnalyticsPath:      r.text(EnvAnalyticsPath),
		APIPath:            r.text(EnvAPIPath),
		PublicPaths:        r.list(EnvPublicPaths),
		PostLogoutRedirect: r.text(EnvPostLogoutRedirect),
		ClearSiteData:      strings.ToLower(strings.Join(r.list(EnvClearSiteData), ",")),
		AppName:            r.text(EnvAppName),
		HelpText:           r.text(EnvHelpText),
		TrustedProxies:     r.prefixes(EnvTrustedProxies),
		SessionIdle:        r.duration(EnvSessionIdle),
		SessionLifetime:    r.duration(EnvSessionLifetime),
	}
	for _, secret := range r.list(EnvSecret) {
		c.Secrets = append(c.Secrets, Secret(secret))
	}
	r.unknown(c.Providers)
	for i, m := range r.wrong {
		if place, ok := s.Places[m.Name]; ok {
			r.wrong[i].Name = place
		}
	}
	c = c.WithDefaults()
	c.check(&r.wrong)
	for i, m := range r.wrong {
		if s.File != "" && errors.Is(m.Err, errMissing) {
			r.wrong[i].Err = fmt.Errorf("%w (looked for in %s and in the environment)", m.Err, s.File)
		}
	}
	if err := r.wrong.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// reader turns variables into values, and collects mistakes.
type reader struct {
	Source
	wrong mistakes
}

func (r *reader) text(name string) string {
	value, _ := r.Lookup(name)
	return strings.TrimSpace(value)
}

func (r *reader) isSet(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { _, ok := r.Lookup(name); return ok })
}

func (r *reader) list(name string) []string {
	var items []string
	for item := range strings.SplitSeq(r.text(name), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func (r *reader) duration(name string) time.Duration {
	text := r.text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Second {
		r.wrong.addf(name, "%q is not a duration such as 90m or 24h", text)
		return 0
	}
	return d
}

// truth reads a yes or no, no where nothing is said.
func (r *reader) truth(name string) bool {
	text := r.text(name)
	if text == "" {
		return false
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		r.wrong.addf(name, "%q is neither true nor false", text)
	}
	return yes
}

func (r *reader) prefixes(name string) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, item := range r.list(name) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				r.wrong.addf(name, "%q is not an address or network such as 10.0.0.0/8", item)
				continue
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes
}

func (r *reader) baseURL() *url.URL {
	text := r.text(EnvBaseURL)
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil {
		r.wrong.addf(EnvBaseURL, "is not a URL such as https://app.example.com")
		return nil
	}
	return u
}

// passwords joins what the project file asks for with what the variables hold: either is enough to protect.
func (r *reader) passwords() map[Feature]Login {
	logins := map[Feature]Login{}
	for feature, ref := range r.Project.Logins {
		logins[feature] = Login{
			Username: string(r.resolve(ref.Username, usernameKey(feature))),
			Password: r.resolve(ref.Password, passwordKey(feature)),
		}
	}
	for _, feature := range Features() {
		if _, ok := logins[feature]; !ok && r.isSet(usernameKey(feature), passwordKey(feature)) {
			username, _ := r.Lookup(usernameKey(feature))
			password, _ := r.Lookup(passwordKey(feature))
			logins[feature] = Login{Username: username, Password: Secret(password)}
		}
	}
	return logins
}

// resolve returns the value that v stands for. That it may not be empty is checked with the Config; here only a
// reference to a variable of another name is reported, as the Config would name the wrong one.
func (r *reader) resolve(v Value, usual string) Secret {
	if v.Variable == "" {
		return v.Literal
	}
	value, _ := r.Lookup(v.Variable)
	if value == "" && v.Variable != usual {
		r.wrong.addf(v.Variable, "%w, and the project file refers to it", errMissing)
	}
	return Secret(value)
}
