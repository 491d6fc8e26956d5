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

// Mode says how passwords are requested.
type Mode string

const (
	ModeAuto  Mode = "auto"  // browsers get the login page, everything else the Basic challenge
	ModeBasic Mode = "basic" // always the Basic challenge
	ModeForm  Mode = "form"  // only the login page; the Authorization header is the app's
)

// Config decides who may see what. Its zero value protects nothing, which Validate refuses.
type Config struct {
	// Public allows a Config that protects nothing. It removes no protection.
	Public bool
	// BaseURL is where browsers find the app: scheme, host, and maybe a path below which everything is; nil if unknown.
	BaseURL *url.URL
	// StripBasePath removes that path from requests to the app. Otherwise the app gets it as well.
	StripBasePath bool
	// Passwords are the user names and passwords of features.
	Passwords map[Feature]Login
	// Users are further users with a password, of the features that have a file of them.
	Users        map[Feature]Users
	PasswordMode Mode
	// Providers protect the main app: users log in at one of them. Without providers it has a password or no login.
	Providers []Provider
	// Access says which accounts of the providers may use the app; the zero value allows all.
	Access Access
	// BearerAudience is the audience for which access tokens in requests of programs are accepted; empty accepts none.
	BearerAudience string
	// AnalyticsPath and APIPath are where those features are: the path and everything below it.
	AnalyticsPath, APIPath string
	// PublicPaths need no login: each is exactly that path, or everything below it if it ends in "/".
	PublicPaths []string
	// PostLogoutRedirect is where the browser goes after a logout; empty means /status.
	PostLogoutRedirect string
	// ClearSiteData is what browsers delete of this origin at a logout: cache, cookies, storage, or several of them
	// separated by commas; "none" deletes nothing, and empty means cache.
	ClearSiteData string
	// AppName and HelpText, both plain text, are shown on the login pages: the name of the app, and how to get help.
	AppName, HelpText string
	// Secrets sign what browsers keep for the proxy: the first signs, all verify. Without any, a random one is made for
	// this process.
	Secrets []Secret
	// TrustedProxies are the addresses whose X-Forwarded-* headers are believed; none by default.
	TrustedProxies []netip.Prefix
	// A session ends SessionIdle after its last use, and SessionLifetime after its login.
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
	NameClaim    string // whose value is the name of the user; empty means the e-mail address
	LogoutURL    string // in place of what the provider announces, see oidc.Options
	Tenants      string // of Entra ID whose accounts may log in: ids with commas between them, or "any"; empty for an issuer of one tenant
}

// Access lists the accounts that may use the app. A nil list requires nothing, and an empty one allows nobody: a list that
// was emptied by mistake must not open the app. An account needs a listed address or domain, and one of the groups, and a
// value of every claim. Addresses and domains are kept as they were typed, and compared without regard to case.
type Access struct {
	Emails  []string            // addresses, which the provider must have verified
	Domains []string            // of such addresses, such as example.com; not of the domains below it
	Groups  []string            // one of them has to be in the claim GroupsClaim
	Claims  map[string][]string // name to values, of which one is required

	GroupsClaim string // the claim with the groups; empty means "groups"
}

// Defaults of fields that are empty or zero.
const (
	DefaultAnalyticsPath   = "/analytics"
	DefaultAPIPath         = "/api"
	DefaultScope           = "openid profile email"
	DefaultGroupsClaim     = "groups"
	DefaultSessionIdle     = 24 * time.Hour
	DefaultSessionLifetime = 7 * 24 * time.Hour
)

// WithDefaults returns c with defaults in place of empty and zero fields.
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

// Only returns a Config in which the credentials of f protect everything: for a listener that serves only that feature,
// such as an analytics page on a port of its own. Without credentials of f the result protects nothing, which Validate
// refuses.
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
