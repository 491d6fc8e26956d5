package config

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Setting is one variable of a configuration, for people to read.
type Setting struct {
	Name  string
	Value string // *** where it is secret
}

func (s Setting) String() string { return s.Name + "=" + s.Value }

// Settings lists the variables that make c, defaults too, always in the same order: those that are neither set
// nor have a default are left out. Secrets are redacted; but for them From makes c from the list again.
func (c Config) Settings() []Setting {
	c = c.WithDefaults()
	var list []Setting
	add := func(set bool, name, value string) {
		if set {
			list = append(list, Setting{Name: name, Value: value})
		}
	}
	items := func(name string, values []string) { add(values != nil, name, strings.Join(values, ",")) }
	for _, feature := range Features() {
		login, set := c.Passwords[feature]
		add(set, usernameKey(feature), login.Username)
		add(set, passwordKey(feature), redacted)
	}
	for _, feature := range Features() {
		users, set := c.Users[feature]
		add(set, usersKey(feature), users.File)
	}
	list = append(list, c.providerSettings()...)
	add(len(c.Secrets) > 0, EnvSecret, strings.TrimSuffix(strings.Repeat(redacted+",", len(c.Secrets)), ","))
	if c.BaseURL != nil {
		add(true, EnvBaseURL, c.BaseURL.Redacted())
	}
	add(c.StripBasePath, EnvStripBasePath, "true")
	add(c.PostLogoutRedirect != "", EnvPostLogoutRedirect, c.PostLogoutRedirect)
	add(c.ClearSiteData != "", EnvClearSiteData, c.ClearSiteData)
	add(c.AppName != "", EnvAppName, c.AppName)
	add(c.HelpText != "", EnvHelpText, c.HelpText)
	items(EnvAllowedEmails, c.Access.Emails)
	items(EnvAllowedDomains, c.Access.Domains)
	items(EnvAllowedGroups, c.Access.Groups)
	add(c.Access.Groups != nil, EnvGroupsClaim, c.Access.GroupsClaim)
	add(c.Access.Claims != nil, EnvAllowedClaims, pairs(c.Access.Claims))
	add(c.BearerAudience != "", EnvBearerAudience, c.BearerAudience)
	add(true, EnvPasswordMode, string(c.PasswordMode))
	add(true, EnvAnalyticsPath, c.AnalyticsPath)
	add(true, EnvAPIPath, c.APIPath)
	add(len(c.PublicPaths) > 0, EnvPublicPaths, strings.Join(c.PublicPaths, ","))
	var networks []string
	for _, prefix := range c.TrustedProxies {
		networks = append(networks, prefix.String())
	}
	items(EnvTrustedProxies, networks)
	add(true, EnvSessionIdle, short(c.SessionIdle))
	add(true, EnvSessionLifetime, short(c.SessionLifetime))
	return list
}

func (c Config) providerSettings() []Setting {
	var list []Setting
	var names []string
	for _, p := range c.Providers {
		if p.Name != "" {
			names = append(names, p.Name)
		}
		list = append(list, Setting{p.Key(EnvClientID), p.ClientID}, Setting{p.Key(EnvClientSecret), redacted},
			Setting{p.Key(EnvIssuer), p.Issuer})
		if p.Audience != "" {
			list = append(list, Setting{p.Key(EnvAudience), p.Audience})
		}
		list = append(list, Setting{p.Key(EnvScope), p.Scope})
		if p.Prompt != "" {
			list = append(list, Setting{p.Key(EnvPrompt), p.Prompt})
		}
		list = append(list, p.parameterSettings()...)
		for _, s := range []Setting{{EnvNameClaim, p.NameClaim}, {EnvLogoutURL, p.LogoutURL}, {EnvTenants, p.Tenants}} {
			if s.Value != "" {
				list = append(list, Setting{p.Key(s.Name), s.Value})
			}
		}
	}
	if len(names) > 0 {
		list = slices.Insert(list, 0, Setting{EnvProviders, strings.Join(names, ",")})
	}
	return list
}

// pairs writes claims as AUTH_ALLOWED_CLAIMS has them.
func pairs(claims map[string][]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		for _, value := range claims[name] {
			list = append(list, name+"="+value)
		}
	}
	return strings.Join(list, ",")
}

// short writes a duration without the minutes and seconds that it does not have: 24h, not 24h0m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
