// Package config is the configuration of a login: who may see what. From makes it from a project's variables, which no
// other package interprets, and reports all mistakes at once. Variables is the one table of them. It reads no
// environment and no file by itself, and knows nothing of how a login works.
package config

import (
	"net/netip"
	"net/url"
	"slices"
	"time"
)

// Feature is a part of a project that can have a login of its own.
type Feature string

// The features, named as in project files and variables.
const (
	MainApp   Feature = "main_app"  // everything that no other feature has
	Analytics Feature = "analytics" // the analytics report
	API       Feature = "api"       // programs
)

// Features lists all features in the order in which they are shown.
func Features() []Feature { return []Feature{MainApp, Analytics, API} }

// Mode says how a password is asked for.
type Mode string

const (
	ModeAuto  Mode = "auto"  // browsers get the login page, everything else the Basic challenge
	ModeBasic Mode = "basic" // always the Basic challenge
	ModeForm  Mode = "form"  // only the login page; the Authorization header is the app's
)

// Config is all that decides who may see what. Its zero value protects nothing and is refused by New.
type Config struct {
	// Public allows that nothing is protected. It takes away no protection that is configured.
	Public bool
	// BaseURL is where browsers find the app: scheme, host, and the path below which everything is, if there is one; nil
	// where it is not known.
	BaseURL *url.URL
	// StripBasePath takes that path off what is sent to the app. Otherwise the app gets paths as they are.
	StripBasePath bool
	// Passwords holds the credential of each feature that has one.
	Passwords map[Feature]Login
	// Users are more people with a password, for the features that have a file of them.
	Users        map[Feature]Users
	PasswordMode Mode
	// Providers protect the main app: its users log in at one of them. Without any it has a password or none.
	Providers []Provider
	// Access says which of the people that a provider knows may come in; its zero value says all.
	Access Access
	// BearerAudience lets programs in with a provider's access token that is for this audience; empty lets none.
	BearerAudience string
	// AnalyticsPath and APIPath are what those features guard: the path and everything below it.
	AnalyticsPath, APIPath string
	// PublicPaths are open to everybody: exactly that path, or everything below one that ends in "/".
	PublicPaths []string
	// PostLogoutRedirect is where the browser goes after a logout; empty means /status.
	PostLogoutRedirect string
	// ClearSiteData is what browsers forget of this origin at a log-out: cache, cookies, storage, or several with commas
	// between them; "none" is nothing, and empty means cache.
	ClearSiteData string
	// AppName and HelpText are shown on the login pages: the name of the app, and how people who cannot log in get help.
	// Both are plain text.
	AppName, HelpText string
	// Secrets sign what is kept outside the proxy: the first signs, all verify. Empty means one for this process.
	Secrets []Secret
	// TrustedProxies are the addresses whose X-Forwarded-* headers are believed; none by default.
	TrustedProxies []netip.Prefix
	// SessionIdle ends a session that long after its last use, SessionLifetime after its login.
	SessionIdle, SessionLifetime time.Duration
}

// Login is one user name and password.
type Login struct {
	Username string
	Password Secret
}

// Provider is an application registered with an OpenID Connect provider.
type Provider struct {
	Name         string // in AUTH_PROVIDERS and the names of its variables, lower case; empty for the only one
	Issuer       string // URL with scheme
	ClientID     string
	ClientSecret Secret
	Audience     string // of the access token; empty asks for none
	Scope        string
	Prompt       string // login, consent, select_account, or several with spaces; empty leaves it to the provider
	Params       string // further parameters of the authorization address, as a query: acr_values=x&domain_hint=y
	NameClaim    string // that names a person to the app; empty means the e-mail
	LogoutURL    string // in place of what the provider announces, see oidc.Options
	Tenants      string // of Entra ID whose accounts may log in: ids with commas between them, or "any"; empty for an issuer of one tenant
}

// Access lists who may come in. A nil list asks for nothing, and an empty one lets nobody in: a list that was
// emptied by mistake must not open the app. E-mail addresses and domains are two ways to say the same, so one of
// the two is enough, also where the other is empty; groups and every claim are asked for besides. Addresses and domains are kept as they were
// typed: letters of either case mean the same.
type Access struct {
	Emails  []string            // addresses, which the provider must have verified
	Domains []string            // of such addresses, such as example.com; not of the domains below it
	Groups  []string            // one of them has to be in the claim GroupsClaim
	Claims  map[string][]string // name to values, of which one is needed; empty but not nil lets nobody in

	GroupsClaim string // where a provider says the groups; empty means "groups"
}

// Defaults of what a Config leaves open.
const (
	DefaultAnalyticsPath   = "/analytics"
	DefaultAPIPath         = "/api"
	DefaultScope           = "openid profile email"
	DefaultGroupsClaim     = "groups"
	DefaultSessionIdle     = 24 * time.Hour
	DefaultSessionLifetime = 7 * 24 * time.Hour
)

// WithDefaults returns c with what was left open filled in.
func (c Config) WithDefaults() Config {
	def := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	def(&c.AnalyticsPath, DefaultAnalyticsPath)
	def(&c.APIPath, DefaultAPIPath)
	def((*string)(&c.PasswordMode), string(ModeAuto))
	if c.SessionIdle == 0 {
		c.SessionIdle = DefaultSessionIdle
	}
	if c.SessionLifetime == 0 {
		c.SessionLifetime = DefaultSessionLifetime
	}
	def(&c.Access.GroupsClaim, DefaultGroupsClaim)
	c.Providers = slices.Clone(c.Providers)
	for i := range c.Providers {
		def(&c.Providers[i].Scope, DefaultScope)
	}
	return c
}

// Only returns a Config in which the credential of f guards everything: for a listener that serves nothing but
// that feature, such as an analytics page on a port of its own. Without a credential of f the result protects
// nothing and New refuses it.
func (c Config) Only(f Feature) Config {
	users, hasFile := c.Users[f]
	if c.Users = nil; hasFile {
		c.Users = map[Feature]Users{MainApp: users}
	}
	login, ok := c.Passwords[f]
	c.Passwords = nil
	if ok {
		c.Passwords = map[Feature]Login{MainApp: login}
	}
	if f != MainApp {
		c.Providers, c.Access, c.BearerAudience = nil, Access{}, ""
	}
	c.PublicPaths = nil
	return c
}
